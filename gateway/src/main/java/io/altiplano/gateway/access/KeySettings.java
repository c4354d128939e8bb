package io.altiplano.gateway.access;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Pattern;

/** {@code altiplano.keys.*}. */
@ConfigMapping(prefix = "altiplano.keys")
public interface KeySettings {
    /** The form of an environment's name. */
    String ENV = "[a-z]{2,8}";

    /** The HMAC key of stored API keys: at least 32 bytes, hex. Without it, the database's hashes are of no use to a thief. */
    String pepper();

    /** Which platform this is: part of each key's text, e.g. "live" or "test". Keys of another one are refused unasked. */
    @WithDefault("dev")
    @Pattern(regexp = ENV)
    String env();
}
