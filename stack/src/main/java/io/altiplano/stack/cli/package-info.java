/** What the launcher's commands run: up, token, chat, model import, bench. */
@NullMarked
package io.altiplano.stack.cli;

import org.jspecify.annotations.NullMarked;
