package io.altiplano.stack.platform;

import java.util.List;
import java.util.Locale;

/** The tenants that a first start creates, and the model that it registers. */
public final class Demo {
    /** The starter model's id in the catalog. */
    public static final String MODEL = "llama-3.1-starter";

    /** The licence whose clauses bind it. */
    public static final String LICENCE = "llama-3.1";

    private Demo() {}

    /**
     * A demo tenant.
     *
     * @param monthlyActiveUsers attested for June 2024
     * @param owner the demo user who owns it; empty: nobody does
     */
    public record Tenant(String id, String name, String tier, long monthlyActiveUsers, String owner) {
        /** Its key's name in {@code .altiplano/env}. */
        public String variable() {
            return "ALTIPLANO_KEY_" + id.toUpperCase(Locale.ROOT).replace('-', '_');
        }

        /** Of the register that demos are in: no country has "ZZ". */
        public String registrationNumber() {
            return "ZZ-DEMO-" + id;
        }

        /** Its key's name among the secrets. */
        public String secret() {
            return "api-key." + id;
        }
    }

    /** Asks for the answer that a start waits for, so that the demo tenants' usage is their clients' alone. */
    public static final Tenant PROBE = new Tenant("altiplano", "Altiplano itself", "partner", 1, "");

    /** Those with keys in {@code .altiplano/env}; the first one's is also {@code ALTIPLANO_API_KEY}. */
    public static final List<Tenant> TENANTS = List.of(
            new Tenant("acme", "Acme", "community", 1_200_000, "acme-owner"),
            new Tenant("edge", "Edge", "community", 700_000_000, ""),
            new Tenant("megacorp", "Megacorp", "community", 812_000_000, "megacorp-owner"),
            new Tenant("partner-labs", "Partner Labs", "partner", 3_400_000, "partner-owner"));
}
