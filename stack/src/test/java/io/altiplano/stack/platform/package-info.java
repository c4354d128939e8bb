/** The platform as processes, tested. */
@NullMarked
package io.altiplano.stack.platform;

import org.jspecify.annotations.NullMarked;
