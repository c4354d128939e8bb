/** What the gateway's tests run on: the shared infrastructure, a database and topics of their own, tokens, and a cut wire. */
@NullMarked
package io.altiplano.gateway.testing;

import org.jspecify.annotations.NullMarked;
