/** Tables, properties and layers of the licence engine. */
@NullMarked
package io.altiplano.licensing;

import org.jspecify.annotations.NullMarked;
