/** The services as processes on given outer parts, the database and the catalog they start from, and a client's view of them. */
@NullMarked
package io.altiplano.stack.platform;

import org.jspecify.annotations.NullMarked;
