package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.licence.AttestationRecord.Content;
import io.altiplano.gateway.licence.AttestationRecord.Line;
import io.altiplano.gateway.tenant.RegistrationNumber;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.licensing.Figure;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.LicenceVersion;
import java.time.Instant;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Attestations as the API takes and shows them. */
public final class AttestationBody {
    private AttestationBody() {}

    /**
     * {@code {licence, products: [{name, monthly_active_users, month}], affiliates: [{name, registration_number?,
     * monthly_active_users}], signed_by, document?}}. Every product and affiliate is its own line; the month must be the
     * licence's own.
     */
    public static Content read(JsonFields fields, LicenceEngine engine) {
        LicenceVersion licence = licence(fields, engine);
        YearMonth month = licence.measuredMonth()
                .orElseThrow(
                        () -> fields.wrong("licence", "measures no monthly active users: none are to be attested"));
        List<Line> lines = new ArrayList<>();
        for (JsonFields product : fields.objects("products")) {
            lines.add(new Line(
                    Figure.Kind.PRODUCT, product.text("name", 200), null, product.count("monthly_active_users")));
            requireMonth(product, month, licence);
            product.end();
        }
        for (JsonFields affiliate : fields.objects("affiliates")) {
            lines.add(new Line(
                    Figure.Kind.AFFILIATE,
                    affiliate.text("name", 200),
                    registrationNumber(affiliate),
                    affiliate.count("monthly_active_users")));
            affiliate.end();
        }
        if (lines.isEmpty()) {
            throw fields.wrong("products", "must name every product, one at least, with 0 users if it had none");
        }
        return new Content(
                licence.id(), month, lines, fields.text("signed_by", 200), fields.optionalText("document", 40));
    }

    /** The licence that a field names. */
    static LicenceVersion licence(JsonFields fields, LicenceEngine engine) {
        return engine.licence(fields.text("licence", 100))
                .orElseThrow(
                        () -> fields.wrong("licence", "must be a licence that the platform knows, such as llama-3.1"));
    }

    private static @Nullable String registrationNumber(JsonFields affiliate) {
        String given = affiliate.optionalText("registration_number", 85);
        return given == null
                ? null
                : RegistrationNumber.normalised(given)
                        .orElseThrow(() -> affiliate.wrong("registration_number", RegistrationNumber.FORM));
    }

    private static void requireMonth(JsonFields product, YearMonth month, LicenceVersion licence) {
        if (!product.text("month", 7).equals(month.toString())) {
            throw product.wrong(
                    "month",
                    "must be " + month + ", the calendar month before the release of " + licence.id()
                            + ": the licence asks for no other");
        }
    }

    /**
     * An attestation as the API shows it; {@code approval} and {@code content_hash} where a second person is awaited.
     *
     * @param reattestationDue when the platform, not the licence, wants it repeated; null where it does not count
     */
    public record View(
            String object,
            String id,
            String tenant,
            String licence,
            String month,
            String state,
            @JsonProperty("monthly_active_users") long monthlyActiveUsers,
            List<LineView> lines,
            @JsonProperty("signed_by") String signedBy,
            @Nullable String document,
            @Nullable String corrects,
            List<String> doubts,
            @JsonProperty("recorded_at") long recordedAt,
            @JsonProperty("submitted_at") @Nullable Long submittedAt,
            @JsonProperty("closed_at") @Nullable Long closedAt,
            @JsonProperty("closing_reason") @Nullable String closingReason,
            @Nullable String approval,
            @JsonProperty("content_hash") String contentHash,
            @JsonProperty("reattestation_due") @Nullable Long reattestationDue,
            @JsonProperty("platform_policy") @Nullable String platformPolicy) {
        /** Shows one, with the proposal that waits. */
        public static View of(AttestationRecord a, @Nullable Approval waiting) {
            Reattestation again = a.reattestation();
            return new View(
                    "attestation",
                    a.id(),
                    a.tenantId(),
                    a.licence(),
                    a.month().toString(),
                    a.state().name().toLowerCase(Locale.ROOT),
                    a.monthlyActiveUsers(),
                    a.lines().stream().map(LineView::of).toList(),
                    a.signedBy(),
                    a.documentId(),
                    a.corrects(),
                    a.doubts(),
                    a.recordedAt().getEpochSecond(),
                    seconds(a.submittedAt()),
                    seconds(a.closedAt()),
                    a.closingReason(),
                    waiting == null ? a.approvalId() : waiting.id(),
                    a.contentHash(),
                    again == null ? null : again.due().getEpochSecond(),
                    again == null ? null : again.text());
        }
    }

    /** A line of one. */
    public record LineView(
            String kind,
            String name,
            @JsonProperty("registration_number") @Nullable String registrationNumber,
            @JsonProperty("monthly_active_users") long monthlyActiveUsers) {
        static LineView of(Line l) {
            return new LineView(
                    l.kind().name().toLowerCase(Locale.ROOT), l.name(), l.registrationNumber(), l.monthlyActiveUsers());
        }
    }

    /** A list of them. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {
        /** Shows them. */
        public static Page of(List<AttestationRecord> all) {
            return new Page("list", all.stream().map(a -> View.of(a, null)).toList(), false);
        }
    }

    private static @Nullable Long seconds(@Nullable Instant at) {
        return at == null ? null : at.getEpochSecond();
    }
}
