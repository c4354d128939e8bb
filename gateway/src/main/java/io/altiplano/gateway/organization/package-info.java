/** A tenant's people administer it, after OpenAI's organization API: with access tokens, as what their membership says. */
@NullMarked
package io.altiplano.gateway.organization;

import org.jspecify.annotations.NullMarked;
