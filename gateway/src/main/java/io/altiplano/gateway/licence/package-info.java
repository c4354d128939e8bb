/** Gathers the facts about a tenant, asks the licence engine, records and caches its verdicts, withdraws them. */
@NullMarked
package io.altiplano.gateway.licence;

import org.jspecify.annotations.NullMarked;
