package io.altiplano.gateway.access;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import org.eclipse.microprofile.config.spi.Converter;

/** {@code altiplano.keys.*}. */
@ConfigMapping(prefix = "altiplano.keys")
public interface KeySettings {
    /** The form of an environment's name. */
    String ENV = "[a-z]{2,8}";

    /** The HMAC key of stored API keys: at least 32 bytes, hex. Without it, the database's hashes are of no use to a thief. */
    String pepper();

    /** Which platform this is: part of each key's text, e.g. "live" or "test". Keys of another one are refused unasked. */
    @WithDefault("dev")
    @WithConverter(EnvironmentName.class)
    String env();

    /** Takes nothing but what {@link #ENV} says. */
    final class EnvironmentName implements Converter<String> {
        private static final long serialVersionUID = 1L;

        @Override
        public String convert(String value) {
            if (!value.matches(ENV)) {
                throw new IllegalArgumentException("must be 2 to 8 letters a to z, not '" + value + "'");
            }
            return value;
        }
    }
}
