package io.altiplano.gateway.tenant;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What kind of customer a tenant is. What a tier allows is data ({@code tier_plan}), from a day on; it is what the platform
 * offers, apart from what a licence permits.
 */
public enum Tier {
    /** Signed up and has attested nothing yet. */
    EVALUATION,
    /** Under the community licences. */
    COMMUNITY,
    /** Above a licence's threshold, with Meta's grant. */
    LICENSED,
    /** Builds and publishes derived models with us. */
    PARTNER,
    /** Receives the materials inside an integrated end-user product (clause 1.b.ii). */
    INTEGRATED_PRODUCT,
    /** May do nothing until two persons reinstate it. */
    SUSPENDED;

    /** In which a tenant may begin; into the others it is moved, with a reason. */
    public static final Set<Tier> FIRST = Set.of(EVALUATION, COMMUNITY, PARTNER);

    /** As the API writes it: {@code integrated-product}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The tier that the API means. */
    public static Optional<Tier> of(String text) {
        return Arrays.stream(values()).filter(t -> t.text().equals(text)).findFirst();
    }

    /** All tiers as the API writes them. */
    public static String all() {
        return Arrays.stream(values()).map(Tier::text).collect(Collectors.joining(", "));
    }
}
