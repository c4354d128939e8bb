/** Gathers the facts about a tenant, asks the licence engine, records and caches its verdicts, and lets none outlive the facts it rests on. */
@NullMarked
package io.altiplano.gateway.licence;

import org.jspecify.annotations.NullMarked;
