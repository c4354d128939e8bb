package io.altiplano.gateway.policy;

import io.altiplano.gateway.licence.Reattestation;
import io.altiplano.gateway.policy.Reattestations.Standing;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** Attestations that are due again, in SQL. */
final class ReattestationStore {
    private static final int MOST_LISTED = 10_000;

    private ReattestationStore() {}

    /** Those that are due at an instant or will be within the notice, the longest due first. */
    static List<Standing> due(Handle operator, Instant at) {
        return operator.createQuery("""
                        SELECT a.id, a.tenant_id, a.licence, a.closed_at, r.due, r.refused_from, v.id AS review
                        FROM attestation a
                            CROSS JOIN (SELECT notice_days FROM platform_policy ORDER BY seq DESC LIMIT 1) p
                            CROSS JOIN LATERAL reattestation_of(a.closed_at) r
                            LEFT JOIN policy_review v
                                ON v.tenant_id = a.tenant_id AND v.kind = 'REATTESTATION' AND v.subject = a.id
                        WHERE a.state = 'ACCEPTED' AND r.due - make_interval(days => p.notice_days) <= :at
                        ORDER BY r.due, a.id LIMIT :limit""")
                .bind("at", at.atOffset(ZoneOffset.UTC))
                .bind("limit", MOST_LISTED)
                .map((rs, ctx) -> {
                    Timestamp refused = rs.getTimestamp("refused_from");
                    return new Standing(
                            rs.getString("id"),
                            rs.getString("tenant_id"),
                            rs.getTimestamp("closed_at").toInstant(),
                            new Reattestation(
                                    rs.getString("licence"),
                                    rs.getTimestamp("due").toInstant(),
                                    refused == null ? null : refused.toInstant()),
                            rs.getString("review"));
                })
                .list();
    }
}
