package io.altiplano.gateway.tenant;

import io.altiplano.gateway.web.JsonFields;
import org.jspecify.annotations.Nullable;

/** The fields of bodies about members, for the operator's endpoints and the tenants' alike. */
public final class MemberFields {
    private MemberFields() {}

    /** {@code subject}: of the person's access tokens. */
    public static String subject(JsonFields fields) {
        return fields.text("subject", 255);
    }

    /** {@code role}. */
    public static Role role(JsonFields fields) {
        return Role.of(fields.text("role", 20)).orElseThrow(() -> fields.wrong("role", "must be one of " + Role.all()));
    }

    /** {@code name}, or null. */
    public static @Nullable String name(JsonFields fields) {
        return fields.optionalText("name", 200);
    }
}
