package io.altiplano.licensing;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The licensor's express grant to one licensee, as the platform's officers recorded it. The platform never grants by itself.
 *
 * @param id the record's id
 * @param licensee whom it is granted to; it cannot be transferred
 * @param documentSha256 hash of the document, 64 lower-case hexadecimal digits
 * @param date the grant's date: it holds from the beginning of that day in UTC
 * @param lastDay the last day on which it holds, to its end in UTC; null where the document gives none
 * @param revokedAt when the licensor took it back, or null
 * @param licences ids of the licence versions granted
 * @param uses the uses granted
 * @param territory where the licensee must have its domicile and principal place of business
 */
public record LicenceGrant(
        String id,
        String licensee,
        String documentSha256,
        LocalDate date,
        @Nullable LocalDate lastDay,
        @Nullable Instant revokedAt,
        Set<String> licences,
        Set<Use> uses,
        Territory territory) {
    private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");

    /** Copies the sets; refuses a grant of nothing, a bad hash, and a last day before the first. */
    public LicenceGrant {
        Checks.text("grant's id", id);
        Checks.text("grant's licensee", licensee);
        licences = Set.copyOf(licences);
        uses = Set.copyOf(uses);
        if (licences.isEmpty() || uses.isEmpty()) {
            throw new IllegalArgumentException("grant " + id + " names no licence or no use");
        }
        if (!SHA_256.matcher(documentSha256).matches()) {
            throw new IllegalArgumentException("grant " + id + " has no SHA-256 of its document");
        }
        if (lastDay != null && lastDay.isBefore(date)) {
            throw new IllegalArgumentException("grant " + id + " ends on " + lastDay + ", before its date " + date);
        }
        if (LocalDate.MAX.equals(lastDay)) {
            throw new IllegalArgumentException(
                    "grant " + id + " ends on " + lastDay + "; leave out a last day that never comes");
        }
    }

    /** The first instant at which it holds. */
    public Instant from() {
        return date.atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    /** The first instant at which it holds no more; {@link Instant#MAX} if it has no end. */
    public Instant until() {
        Instant end = lastDay == null
                ? Instant.MAX
                : lastDay.plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant();
        return revokedAt != null && revokedAt.isBefore(end) ? revokedAt : end;
    }
}
