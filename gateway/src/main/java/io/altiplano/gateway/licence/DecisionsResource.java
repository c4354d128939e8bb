package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/licence-decisions}: what was decided on which facts, and whether it would be decided so again. */
@Path("/admin/v1/licence-decisions")
@Produces(MediaType.APPLICATION_JSON)
@RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
@RunOnVirtualThread
public class DecisionsResource {
    private static final int MOST = 100;
    private static final Pattern UUID_TEXT = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Pattern LIMIT = Pattern.compile("[0-9]{1,3}");

    private final Decisions decisions;

    @Inject
    DecisionsResource(Decisions decisions) {
        this.decisions = decisions;
    }

    /**
     * Newest first, without their inputs; {@code ?tenant=}, {@code ?model=}, {@code ?permitted=} true or false, {@code ?since=} an
     * instant; {@code ?limit=} 1 to 100 (the default is 20), {@code ?after=} the last id of the page before.
     */
    @GET
    public Page list(
            @QueryParam("tenant") @Nullable String tenant,
            @QueryParam("model") @Nullable String model,
            @QueryParam("permitted") @Nullable String permitted,
            @QueryParam("since") @Nullable String since,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        requireText("tenant", tenant);
        requireText("model", model);
        DecisionFilter filter = new DecisionFilter(tenant, model, flag(permitted), instant(since));
        int most = limit(limit);
        UUID from = after == null ? null : id(after);
        List<DecisionRecord> found =
                decisions.list(filter, from, most + 1).orElseThrow(() -> unknown(String.valueOf(after)));
        List<View> data = found.stream().limit(most).map(this::brief).toList();
        return new Page(
                "list",
                data,
                data.isEmpty() ? null : data.getFirst().id(),
                data.isEmpty() ? null : data.getLast().id(),
                found.size() > most);
    }

    /** One decision with its inputs. */
    @GET
    @Path("/{id}")
    public View get(@PathParam("id") String id) {
        DecisionRecord d = find(id);
        return view(d, decisions.read(d.inputs()));
    }

    /** Decides it again from its recorded inputs, and changes nothing. */
    @POST
    @Path("/{id}/replay")
    public ReplayView replay(@PathParam("id") String id) {
        DecisionRecord d = find(id);
        Decisions.Replay again = decisions.replay(d);
        String policy = d.policy();
        return new ReplayView(
                "licence_decision.replay",
                d.id().toString(),
                again.equal(),
                new Outcome(d.permitted(), decisions.read(d.verdict()), policy == null ? null : decisions.read(policy)),
                new Outcome(again.permitted(), again.verdict(), again.policy()));
    }

    private DecisionRecord find(String id) {
        return decisions.find(id(id)).orElseThrow(() -> unknown(id));
    }

    private static UUID id(String given) {
        if (!UUID_TEXT.matcher(given).matches()) {
            throw unknown(given);
        }
        return UUID.fromString(given);
    }

    private static ApiException unknown(String id) {
        String shown = UUID_TEXT.matcher(id).matches() ? id : "of this id";
        return new ApiException(
                ApiError.notFound("licence_decision_not_found", "There is no licence decision " + shown + "."));
    }

    private static void requireText(String name, @Nullable String given) {
        if (given != null && (given.isEmpty() || given.length() > 200 || given.indexOf('\0') >= 0)) {
            throw wrong(name, "must be an id of 1 to 200 characters");
        }
    }

    private static @Nullable Boolean flag(@Nullable String given) {
        if (given == null || given.equals("true") || given.equals("false")) {
            return given == null ? null : Boolean.valueOf(given);
        }
        throw wrong("permitted", "must be true or false");
    }

    private static @Nullable Instant instant(@Nullable String given) {
        try {
            Instant at = given == null ? null : Instant.parse(given);
            if (at == null || (at.isAfter(Instant.EPOCH) && at.isBefore(Instant.parse("9999-01-01T00:00:00Z")))) {
                return at;
            }
        } catch (DateTimeException e) {
            // Answered below, as an instant out of range is.
        }
        throw wrong("since", "must be an instant such as 2026-01-31T00:00:00Z");
    }

    private static int limit(@Nullable String given) {
        if (given == null) {
            return 20;
        }
        int limit = LIMIT.matcher(given).matches() ? Integer.parseInt(given) : 0;
        if (limit < 1 || limit > MOST) {
            throw wrong("limit", "must be 1 to " + MOST);
        }
        return limit;
    }

    private static ApiException wrong(String name, String requirement) {
        return new ApiException(ApiError.invalidRequest(name, "invalid_value", name + " " + requirement + "."));
    }

    private View brief(DecisionRecord d) {
        return view(d, null);
    }

    private View view(DecisionRecord d, @Nullable JsonNode inputs) {
        String policy = d.policy();
        return new View(
                "licence_decision",
                d.id().toString(),
                d.tenantId(),
                d.model(),
                d.licence(),
                d.use().toLowerCase(Locale.ROOT),
                d.permitted(),
                decisions.read(d.verdict()),
                policy == null ? null : decisions.read(policy),
                d.epoch(),
                d.decidedAt().toString(),
                inputs);
    }

    /**
     * A decision as the API shows it.
     *
     * @param permitted by licence and platform together
     * @param verdict the licence engine's answer: obligations, or reasons
     * @param policy the platform's own refusal, apart from the licence
     * @param inputs what it was computed from; null in lists
     */
    public record View(
            String object,
            String id,
            String tenant,
            String model,
            String licence,
            String use,
            boolean permitted,
            JsonNode verdict,
            @Nullable JsonNode policy,
            @JsonProperty("licence_epoch") long licenceEpoch,
            @JsonProperty("decided_at") String decidedAt,
            @Nullable JsonNode inputs) {}

    /** What was, or is, decided. */
    public record Outcome(
            boolean permitted, JsonNode verdict, @Nullable JsonNode policy) {}

    /** A decision taken again. */
    public record ReplayView(String object, String id, boolean equal, Outcome recorded, Outcome computed) {}

    /** A page of decisions. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("first_id") @Nullable String firstId,
            @JsonProperty("last_id") @Nullable String lastId,
            @JsonProperty("has_more") boolean hasMore) {}
}
