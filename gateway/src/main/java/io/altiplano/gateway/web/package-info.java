/** What every answer shares: the OpenAI error body, the request's id, strict JSON, event streams. */
@NullMarked
package io.altiplano.gateway.web;

import org.jspecify.annotations.NullMarked;
