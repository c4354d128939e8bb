package io.altiplano.gateway.audit;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One row of the log as it is stored.
 *
 * @param seq its number, from 1, without gaps
 * @param version by which rule its hash was made
 * @param at when, by the database's clock, in microseconds
 * @param actor who, by name
 * @param actorSubject the person's OIDC subject; empty for a part of the platform, and in rows of version 1
 * @param action what
 * @param tenantId whom it concerned
 * @param subject which thing
 * @param detail JSON, the very text that was hashed
 * @param prevHash the row before's hash, 32 bytes
 * @param hash this row's, 32 bytes
 */
@SuppressWarnings("ArrayRecordComponent")
public record AuditRow(
        long seq,
        int version,
        Instant at,
        String actor,
        String actorSubject,
        String action,
        @Nullable String tenantId,
        String subject,
        String detail,
        byte[] prevHash,
        byte[] hash) {}
