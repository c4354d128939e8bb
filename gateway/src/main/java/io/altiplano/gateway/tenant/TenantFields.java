package io.altiplano.gateway.tenant;

import io.altiplano.gateway.web.JsonFields;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The fields of bodies about tenants and projects, for the operator's endpoints and the tenants' alike. */
public final class TenantFields {
    private static final Pattern COUNTRY = Pattern.compile("[A-Z]{2}");

    private TenantFields() {}

    /** {@code id}: a DNS label. */
    public static String id(JsonFields fields) {
        String id = fields.text("id", 63);
        if (!Tenants.isId(id)) {
            throw fields.wrong(
                    "id",
                    "must be a DNS label: lower case letters, digits and '-', beginning and ending"
                            + " with a letter or digit");
        }
        return id;
    }

    /** {@code registration_number} in its one spelling, or null. */
    public static @Nullable String registrationNumber(JsonFields fields) {
        String given = fields.optionalText("registration_number", 85);
        return given == null
                ? null
                : RegistrationNumber.normalised(given)
                        .orElseThrow(() -> fields.wrong("registration_number", RegistrationNumber.FORM));
    }

    /** {@code registration_number} in its one spelling, which must be there. */
    public static String requiredRegistrationNumber(JsonFields fields) {
        return RegistrationNumber.normalised(fields.text("registration_number", 85))
                .orElseThrow(() -> fields.wrong("registration_number", RegistrationNumber.FORM));
    }

    /** A country by ISO 3166-1 alpha-2, or null. */
    public static @Nullable String country(JsonFields fields, String name) {
        String country = fields.optionalText(name, 2);
        if (country != null && !COUNTRY.matcher(country).matches()) {
            throw fields.wrong(name, "must be a country by ISO 3166-1 alpha-2, such as CL");
        }
        return country;
    }
}
