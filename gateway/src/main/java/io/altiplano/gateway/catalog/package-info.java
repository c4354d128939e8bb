/** The models that the platform serves, and the check of a checkpoint before it becomes one. */
@NullMarked
package io.altiplano.gateway.catalog;

import org.jspecify.annotations.NullMarked;
