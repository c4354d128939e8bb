package io.altiplano.gateway.tenant;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A legal entity's number in the register of a country: {@code CL-765432101}. There is one spelling of each, so that an
 * affiliate cannot hide behind a dot: upper case, and no spaces, dots, dashes or slashes behind the country's dash.
 */
public final class RegistrationNumber {
    private static final Pattern GIVEN = Pattern.compile("([A-Za-z]{2})\\s*-(.{1,80})");
    private static final Pattern NUMBER = Pattern.compile("[A-Z0-9]{2,40}");

    private RegistrationNumber() {}

    /** The one spelling; empty if it is no registration number. */
    public static Optional<String> normalised(String given) {
        var matcher = GIVEN.matcher(given.strip());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String number = matcher.group(2).replaceAll("[\\s./-]", "").toUpperCase(Locale.ROOT);
        return NUMBER.matcher(number).matches()
                ? Optional.of(matcher.group(1).toUpperCase(Locale.ROOT) + "-" + number)
                : Optional.empty();
    }

    /** What is asked for, as the end of "registration_number must be ...". */
    public static final String FORM =
            "must be the country by ISO 3166-1 alpha-2, a dash, and the number in its register, such as CL-76.543.210-1";
}
