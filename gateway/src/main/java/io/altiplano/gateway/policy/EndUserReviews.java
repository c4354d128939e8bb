package io.altiplano.gateway.policy;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.AttestedFigure;
import io.altiplano.gateway.licence.PlatformTerms;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Opens a review where more end users were seen than a tenant's group attested for a licence: once a month and licence, with the numbers
 * and their error. It compares one tenant with its whole group, so it may miss a contradiction and never makes one up by counting
 * a person twice. It opens reviews and does nothing else: estimates never deny.
 */
@ApplicationScoped
public class EndUserReviews {
    private final Db db;
    private final Reviews reviews;
    private final Clock clock;

    @Inject
    EndUserReviews(Db db, Reviews reviews, Clock clock) {
        this.db = db;
        this.reviews = reviews;
        this.clock = clock;
    }

    /** Looks at the estimates of this month and of the one before, to which late ones may have been added. */
    void review() {
        YearMonth now = YearMonth.now(clock.withZone(ZoneOffset.UTC));
        List<EndUserEstimate> suspects =
                db.operator(operator -> EndUserStore.suspects(operator, List.of(now, now.minusMonths(1))));
        for (EndUserEstimate estimate : suspects) {
            var unused = db.operator(operator -> {
                compare(operator, estimate);
                return true;
            });
        }
    }

    /** A tenant's estimates, newest month first. */
    List<EndUserEstimate> of(String tenantId) {
        return db.operator(operator -> EndUserStore.of(operator, tenantId));
    }

    private void compare(Handle operator, EndUserEstimate estimate) {
        List<AttestedFigure> figures = AttestedFigure.ofGroup(operator, estimate.tenantId());
        if (figures.isEmpty() && estimate.contradicts(null, AttestedFigure.LEAST_THRESHOLD)) {
            open(operator, estimate, null);
        }
        for (AttestedFigure figure : figures) {
            if (estimate.contradicts(figure.monthlyActiveUsers(), figure.threshold())) {
                open(operator, estimate, figure);
            }
        }
    }

    private void open(Handle operator, EndUserEstimate estimate, @Nullable AttestedFigure figure) {
        String subject = figure == null ? estimate.month() : estimate.month() + " " + figure.licence();
        if (!ReviewStore.exists(operator, estimate.tenantId(), Review.Kind.END_USERS, subject)) {
            var unused = reviews.open(
                    operator,
                    estimate.tenantId(),
                    Review.Kind.END_USERS,
                    subject,
                    figure == null ? null : figure.licence(),
                    facts(estimate, figure));
        }
    }

    private static Map<String, Object> facts(EndUserEstimate e, @Nullable AttestedFigure figure) {
        long threshold = figure == null ? AttestedFigure.LEAST_THRESHOLD : figure.threshold();
        Map<String, Object> facts = new HashMap<>();
        facts.put("month", e.month());
        facts.put("estimate", e.estimate());
        facts.put("lower_bound", e.lowerBound());
        facts.put("upper_bound", e.upperBound());
        facts.put("confidence", "95 %");
        facts.put("threshold", threshold);
        facts.put("above_threshold", e.lowerBound() > threshold);
        if (figure != null) {
            facts.put("attested", figure.monthlyActiveUsers());
            facts.put("measured_month", figure.month().toString());
        }
        facts.put(
                "message",
                String.format(
                        Locale.ROOT,
                        "%sabout %,d distinct end users were seen in %s (95 %%: %,d to %,d), and the group attested %s. An"
                                + " estimate decides nothing.",
                        PlatformTerms.LABEL,
                        e.estimate(),
                        e.month(),
                        e.lowerBound(),
                        e.upperBound(),
                        figure == null
                                ? "nothing"
                                : String.format(
                                        Locale.ROOT,
                                        "%,d monthly active users in %s for %s",
                                        figure.monthlyActiveUsers(),
                                        figure.month(),
                                        figure.licence())));
        return facts;
    }
}
