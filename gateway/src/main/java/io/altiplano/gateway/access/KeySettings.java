package io.altiplano.gateway.access;

import io.smallrye.config.ConfigMapping;

/** {@code altiplano.keys.*}. */
@ConfigMapping(prefix = "altiplano.keys")
public interface KeySettings {
    /** The HMAC key of stored API keys: at least 32 bytes, hex. Without it, the database's hashes are of no use to a thief. */
    String pepper();
}
