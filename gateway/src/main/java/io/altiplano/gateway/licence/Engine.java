package io.altiplano.gateway.licence;

import io.altiplano.licensing.LicenceEngine;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/** The licence engine with Meta's licences, injected. */
final class Engine {
    private Engine() {}

    @Produces
    @Singleton
    static LicenceEngine licenceEngine() {
        return new LicenceEngine();
    }
}
