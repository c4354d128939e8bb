package io.altiplano.licensing;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All that is known of a licensee. The order of facts never matters.
 *
 * @param id the licensee's id
 * @param domicile ISO 3166-1 alpha-2 code, or null if unknown
 * @param principalPlace country of the principal place of business, or null if unknown
 * @param attestations accepted attestations, its own and those of other entities of its group
 * @param acceptances licence versions accepted with their acceptable use policies
 * @param grants the licensor's express grants
 * @param litigations claims that it filed
 * @param terminations licences ended for it
 * @param integratedProducts ids of the licences whose materials reach it only inside an integrated end-user product of another
 *     licensee
 */
public record Licensee(
        String id,
        @Nullable String domicile,
        @Nullable String principalPlace,
        List<Attestation> attestations,
        List<Acceptance> acceptances,
        List<LicenceGrant> grants,
        List<Litigation> litigations,
        List<Termination> terminations,
        Set<String> integratedProducts) {
    /** Copies the collections. */
    public Licensee {
        Checks.text("licensee's id", id);
        if (domicile != null) {
            Checks.country("domicile", domicile);
        }
        if (principalPlace != null) {
            Checks.country("principal place of business", principalPlace);
        }
        attestations = List.copyOf(attestations);
        acceptances = List.copyOf(acceptances);
        grants = List.copyOf(grants);
        litigations = List.copyOf(litigations);
        terminations = List.copyOf(terminations);
        integratedProducts = Set.copyOf(integratedProducts);
    }

    /** Starts a licensee of whom nothing is known. */
    public static Builder builder(String id) {
        return new Builder(id);
    }

    /** Gathers a licensee's facts; not thread-safe. */
    public static final class Builder {
        private final String id;
        private @Nullable String domicile;
        private @Nullable String principalPlace;
        private final List<Attestation> attestations = new ArrayList<>();
        private final List<Acceptance> acceptances = new ArrayList<>();
        private final List<LicenceGrant> grants = new ArrayList<>();
        private final List<Litigation> litigations = new ArrayList<>();
        private final List<Termination> terminations = new ArrayList<>();
        private final Set<String> integratedProducts = new HashSet<>();

        private Builder(String id) {
            this.id = id;
        }

        /** Country of domicile. */
        public Builder domicile(@Nullable String country) {
            domicile = country;
            return this;
        }

        /** Country of the principal place of business. */
        public Builder principalPlace(@Nullable String country) {
            principalPlace = country;
            return this;
        }

        /** Adds an accepted attestation. */
        public Builder attested(Attestation attestation) {
            attestations.add(attestation);
            return this;
        }

        /** Adds an acceptance of a licence version with its acceptable use policy. */
        public Builder accepted(Acceptance acceptance) {
            acceptances.add(acceptance);
            return this;
        }

        /** Adds an express grant of the licensor. */
        public Builder granted(LicenceGrant grant) {
            grants.add(grant);
            return this;
        }

        /** Adds a claim that the licensee filed. */
        public Builder litigation(Litigation litigation) {
            litigations.add(litigation);
            return this;
        }

        /** Adds the end of a licence. */
        public Builder terminated(Termination termination) {
            terminations.add(termination);
            return this;
        }

        /** Says that a licence's materials reach it only inside an integrated end-user product. */
        public Builder integratedProduct(String licence) {
            integratedProducts.add(licence);
            return this;
        }

        /** The licensee. */
        public Licensee build() {
            return new Licensee(
                    id,
                    domicile,
                    principalPlace,
                    attestations,
                    acceptances,
                    grants,
                    litigations,
                    terminations,
                    integratedProducts);
        }
    }
}
