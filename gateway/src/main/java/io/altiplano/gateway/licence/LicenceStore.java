package io.altiplano.gateway.licence;

import io.altiplano.gateway.tenant.Tier;
import io.altiplano.licensing.Acceptance;
import io.altiplano.licensing.Attestation;
import io.altiplano.licensing.Figure;
import io.altiplano.licensing.LicenceGrant;
import io.altiplano.licensing.Licensee;
import io.altiplano.licensing.Territory;
import io.altiplano.licensing.Use;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Licence facts, the epoch and decisions in SQL. */
final class LicenceStore {
    private LicenceStore() {}

    static long epoch(Handle handle) {
        return handle.createQuery("SELECT epoch FROM licence_epoch")
                .mapTo(Long.class)
                .one();
    }

    /** The database's time now, not the transaction's: no fact that was read can be later. */
    static Instant now(Handle handle) {
        return handle.createQuery("SELECT clock_timestamp()")
                .mapTo(Instant.class)
                .one();
    }

    /** All facts about a tenant, in a fixed order, so that equal facts are equal records. */
    static Licensee licensee(Handle handle, String tenantId) {
        Licensee.Builder facts = Licensee.builder(tenantId);
        handle.createQuery("SELECT domicile, principal_place FROM tenant WHERE id = :tenant")
                .bind("tenant", tenantId)
                .map((rs, ctx) ->
                        facts.domicile(rs.getString("domicile")).principalPlace(rs.getString("principal_place")))
                .one();
        attestations(handle, tenantId).forEach(facts::attested);
        handle.createQuery("""
                        SELECT licence, accepted_by, accepted_at FROM acceptance
                        WHERE tenant_id = :tenant ORDER BY licence""")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> new Acceptance(
                        rs.getString("licence"), rs.getString("accepted_by"), instant(rs, "accepted_at")))
                .forEach(facts::accepted);
        handle.createQuery("SELECT * FROM licence_grant WHERE tenant_id = :tenant ORDER BY id")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> grant(rs))
                .forEach(facts::granted);
        return facts.build();
    }

    /** What the platform allows a tenant now. */
    static PlatformTerms platformTerms(Handle handle, String tenantId) {
        return handle.createQuery("""
                        SELECT p.tier, p.uses, p.models, (
                            SELECT min(effective_from) FROM tier_plan n
                            WHERE n.tier = p.tier AND n.effective_from > clock_timestamp()) AS until
                        FROM tenant t JOIN tier_plan p ON p.tier = t.tier
                        WHERE t.id = :tenant AND p.effective_from <= clock_timestamp()
                        ORDER BY p.effective_from DESC LIMIT 1""")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> new PlatformTerms(
                        Tier.valueOf(rs.getString("tier")),
                        texts(rs, "uses").stream().map(Use::valueOf).sorted().toList(),
                        rs.getArray("models") == null
                                ? null
                                : texts(rs, "models").stream().sorted().toList(),
                        rs.getTimestamp("until") == null ? null : instant(rs, "until")))
                .one();
    }

    private static List<Attestation> attestations(Handle handle, String tenantId) {
        Map<String, List<Figure>> figures = new LinkedHashMap<>();
        handle.createQuery("""
                        SELECT attestation_id, kind, name, monthly_active_users FROM attestation_item
                        WHERE tenant_id = :tenant ORDER BY attestation_id, position""")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> figures.computeIfAbsent(rs.getString("attestation_id"), id -> new ArrayList<>())
                        .add(new Figure(
                                Figure.Kind.valueOf(rs.getString("kind")),
                                rs.getString("name"),
                                rs.getLong("monthly_active_users"))))
                .forEach(added -> {});
        return handle.createQuery("SELECT * FROM attestation WHERE tenant_id = :tenant ORDER BY seq")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> new Attestation(
                        tenantId,
                        rs.getString("licence"),
                        YearMonth.parse(rs.getString("month")),
                        figures.getOrDefault(rs.getString("id"), List.of()),
                        rs.getString("signed_by"),
                        instant(rs, "recorded_at")))
                .list();
    }

    private static LicenceGrant grant(ResultSet rs) throws SQLException {
        Set<String> countries = texts(rs, "territory");
        Timestamp revoked = rs.getTimestamp("revoked_at");
        return new LicenceGrant(
                rs.getString("id"),
                rs.getString("tenant_id"),
                rs.getString("document_sha256"),
                rs.getObject("granted_on", LocalDate.class),
                rs.getObject("last_day", LocalDate.class),
                revoked == null ? null : revoked.toInstant(),
                texts(rs, "licences"),
                texts(rs, "uses").stream().map(Use::valueOf).collect(Collectors.toSet()),
                countries.isEmpty() ? Territory.everywhere() : new Territory(false, countries));
    }

    private static Set<String> texts(ResultSet rs, String column) throws SQLException {
        Array array = rs.getArray(column);
        return Set.copyOf(Arrays.asList((String[]) array.getArray()));
    }

    private static Instant instant(ResultSet rs, String column) throws SQLException {
        return rs.getTimestamp(column).toInstant();
    }

    /** Records a decision. */
    static void insertDecision(
            Handle handle,
            UUID id,
            DecisionInputs inputs,
            boolean permitted,
            String inputsJson,
            String verdictJson,
            @Nullable String policyJson,
            long epoch) {
        handle.createUpdate("""
                        INSERT INTO licence_decision
                            (id, tenant_id, model, licence, use, permitted, inputs, verdict, policy, epoch, decided_at)
                        VALUES (:id, :tenant, :model, :licence, :use, :permitted, :inputs::jsonb, :verdict::jsonb,
                            :policy::jsonb, :epoch, :at)""")
                .bind("id", id)
                .bind("tenant", inputs.licensee().id())
                .bind("model", inputs.model())
                .bind("licence", inputs.licence())
                .bind("use", inputs.use().name())
                .bind("permitted", permitted)
                .bind("inputs", inputsJson)
                .bind("verdict", verdictJson)
                .bind("policy", policyJson)
                .bind("epoch", epoch)
                .bind("at", inputs.at().atOffset(ZoneOffset.UTC))
                .execute();
    }

    /** Records an attestation with its figures, and the acceptance that its signatory gives with it, if it is the first. */
    static void insertAttestation(Handle operator, String id, Attestation attestation, String recordedBy) {
        operator.createUpdate("""
                        INSERT INTO attestation (id, tenant_id, licence, month, signed_by, recorded_by)
                        VALUES (:id, :tenant, :licence, :month, :signedBy, :recordedBy)""")
                .bind("id", id)
                .bind("tenant", attestation.entity())
                .bind("licence", attestation.licence())
                .bind("month", attestation.month().toString())
                .bind("signedBy", attestation.signedBy())
                .bind("recordedBy", recordedBy)
                .execute();
        int position = 0;
        for (Figure figure : attestation.figures()) {
            operator.createUpdate("""
                            INSERT INTO attestation_item
                                (attestation_id, position, tenant_id, kind, name, monthly_active_users)
                            VALUES (:id, :position, :tenant, :kind, :name, :users)""")
                    .bind("id", id)
                    .bind("position", position++)
                    .bind("tenant", attestation.entity())
                    .bind("kind", figure.kind().name())
                    .bind("name", figure.name())
                    .bind("users", figure.monthlyActiveUsers())
                    .execute();
        }
        operator.createUpdate("""
                        INSERT INTO acceptance (tenant_id, licence, accepted_by)
                        VALUES (:tenant, :licence, :by) ON CONFLICT DO NOTHING""")
                .bind("tenant", attestation.entity())
                .bind("licence", attestation.licence())
                .bind("by", attestation.signedBy())
                .execute();
    }

    /** Records the licensor's grant. */
    static void insertGrant(Handle operator, LicenceGrant grant, String document, @Nullable String recordedBy) {
        operator.createUpdate("""
                        INSERT INTO licence_grant (id, tenant_id, licences, uses, territory, document, document_sha256,
                            granted_on, last_day, recorded_by)
                        VALUES (:id, :tenant, :licences, :uses, :territory, :document, :sha256, :grantedOn, :lastDay, :by)""")
                .bind("id", grant.id())
                .bind("tenant", grant.licensee())
                .bindArray(
                        "licences",
                        String.class,
                        grant.licences().stream().sorted().toArray())
                .bindArray(
                        "uses",
                        String.class,
                        grant.uses().stream().map(Use::name).sorted().toArray())
                .bindArray(
                        "territory",
                        String.class,
                        grant.territory().countries().stream().sorted().toArray())
                .bind("document", document)
                .bind("sha256", grant.documentSha256())
                .bind("grantedOn", grant.date())
                .bind("lastDay", grant.lastDay())
                .bind("by", recordedBy)
                .execute();
    }

    /** Ends a grant now; false if there is no such grant in force. */
    static boolean revokeGrant(Handle operator, String tenantId, String id) {
        return operator.createUpdate("""
                                UPDATE licence_grant SET revoked_at = now()
                                WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL""")
                        .bind("id", id)
                        .bind("tenant", tenantId)
                        .execute()
                == 1;
    }
}
