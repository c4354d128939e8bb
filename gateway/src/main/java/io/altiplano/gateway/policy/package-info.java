/** The platform's own policy, apart from every licence: repeated attestations, estimates of end users, reports of misuse. */
@NullMarked
package io.altiplano.gateway.policy;

import org.jspecify.annotations.NullMarked;
