package io.altiplano.gateway.licence;

import io.altiplano.gateway.licence.GroupFigure.GroupLine;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.licensing.Acceptance;
import io.altiplano.licensing.Attestation;
import io.altiplano.licensing.Figure;
import io.altiplano.licensing.LicenceGrant;
import io.altiplano.licensing.Licensee;
import io.altiplano.licensing.Litigation;
import io.altiplano.licensing.Termination;
import io.altiplano.licensing.Territory;
import io.altiplano.licensing.Use;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Licence facts, the epoch and decisions in SQL. */
final class LicenceStore {
    /** Who states the figure of a whole group. */
    static final String GROUP = "the group";

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
        attestations(handle, tenantId, facts);
        handle.createQuery("""
                        SELECT licence, accepted_by, accepted_at FROM acceptance
                        WHERE tenant_id = :tenant ORDER BY licence""")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> new Acceptance(
                        rs.getString("licence"), rs.getString("accepted_by"), instant(rs, "accepted_at")))
                .forEach(facts::accepted);
        // What two persons agreed on; where it ended, revoked_at or last_day says when.
        handle.createQuery(
                        "SELECT * FROM licence_grant WHERE tenant_id = :tenant AND approval_id IS NOT NULL ORDER BY id")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> grant(rs))
                .forEach(facts::granted);
        endings(handle, tenantId, facts);
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
                        rs.getTimestamp("until") == null ? null : instant(rs, "until"),
                        reattestations(handle, tenantId)))
                .one();
    }

    /** Of what the tenant itself attested: without that no licence permits anything, whatever its group stated. */
    private static List<Reattestation> reattestations(Handle handle, String tenantId) {
        return handle.createQuery("""
                        SELECT a.licence, r.due, r.refused_from
                        FROM attestation a, LATERAL reattestation_of(a.closed_at) r
                        WHERE a.tenant_id = :tenant AND a.state = 'ACCEPTED' ORDER BY a.licence""")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> AttestationStore.reattestation(rs))
                .list();
    }

    /**
     * What the tenant itself states, and where its group's figure is larger, that too: as one statement of the group, in which
     * the others are one line, for a tenant is not told what they stated.
     */
    private static void attestations(Handle handle, String tenantId, Licensee.Builder facts) {
        Map<String, List<GroupLine>> byLicence = AttestationStore.groupLines(handle, tenantId, null).stream()
                .collect(Collectors.groupingBy(GroupLine::licence, TreeMap::new, Collectors.toList()));
        byLicence.forEach((licence, lines) -> {
            List<GroupLine> own =
                    lines.stream().filter(l -> l.member().equals(tenantId)).toList();
            List<Figure> figures = own.stream().map(l -> l.line().figure()).collect(Collectors.toList());
            own.stream()
                    .findFirst()
                    .ifPresent(first -> facts.attested(new Attestation(
                            tenantId,
                            licence,
                            first.month(),
                            figures,
                            signatory(handle, tenantId, licence),
                            first.at())));
            long group = GroupFigure.of(lines);
            long stated = GroupFigure.sum(figures.stream().mapToLong(Figure::monthlyActiveUsers));
            if (group > stated) {
                figures.add(Figure.affiliate("the rest of the group", group - stated));
                Instant at = lines.stream()
                        .map(GroupLine::at)
                        .max(Instant::compareTo)
                        .orElseThrow();
                facts.attested(
                        new Attestation(GROUP, licence, lines.getFirst().month(), figures, "the group's tenants", at));
            }
        });
    }

    private static String signatory(Handle handle, String tenantId, String licence) {
        return handle.createQuery("""
                        SELECT signed_by FROM attestation
                        WHERE tenant_id = :tenant AND licence = :licence AND state = 'ACCEPTED'""")
                .bind("tenant", tenantId)
                .bind("licence", licence)
                .mapTo(String.class)
                .one();
    }

    private static void endings(Handle handle, String tenantId, Licensee.Builder facts) {
        handle.createQuery("SELECT * FROM litigation WHERE tenant_id = :tenant ORDER BY id")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> new Litigation(
                        rs.getString("licence"), rs.getObject("filed_on", LocalDate.class), rs.getString("reference")))
                .forEach(facts::litigation);
        handle.createQuery("SELECT * FROM termination WHERE tenant_id = :tenant ORDER BY id")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> new Termination(
                        rs.getString("licence"),
                        instant(rs, "ended_at"),
                        rs.getString("cause"),
                        rs.getTimestamp("reinstated_at") == null ? null : instant(rs, "reinstated_at")))
                .forEach(facts::terminated);
        handle.createQuery("""
                        SELECT DISTINCT licence FROM integrated_product
                        WHERE tenant_id = :tenant AND ended_at IS NULL ORDER BY licence""").bind("tenant", tenantId).mapTo(String.class).forEach(facts::integratedProduct);
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
}
