package io.altiplano.gateway.config;

import org.eclipse.microprofile.config.spi.Converter;

/** A setting that is a whole number from 1 on; anything else stops the start, named. */
public final class AtLeastOne implements Converter<Integer> {
    private static final long serialVersionUID = 1L;

    @Override
    public Integer convert(String value) {
        int number = Integer.parseInt(value.strip());
        if (number < 1) {
            throw new IllegalArgumentException("must be at least 1, not " + number);
        }
        return number;
    }
}
