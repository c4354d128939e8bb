package io.altiplano.gateway.inference;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.altiplano.gateway.catalog.Catalog;
import io.altiplano.gateway.catalog.Model;
import io.altiplano.gateway.catalog.ModelTexts;
import io.altiplano.gateway.licence.LicenceGate;
import io.altiplano.gateway.licence.Reattestation;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.licensing.Decision;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.LicenceVersion;
import io.altiplano.licensing.Obligation;
import io.altiplano.licensing.Use;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code /v1/models/{id}/licence}: the duties that come with a model, and the texts to pass on. */
@Path("/v1/models/{id: .+}/licence")
@NeedsScope(KeyScope.MODELS_READ)
@RunOnVirtualThread
public class ModelLicenceResource {
    private final Catalog catalog;
    private final ModelTexts texts;
    private final LicenceGate gate;
    private final LicenceEngine engine;
    private final CurrentCaller caller;

    @Inject
    ModelLicenceResource(
            Catalog catalog, ModelTexts texts, LicenceGate gate, LicenceEngine engine, CurrentCaller caller) {
        this.catalog = catalog;
        this.texts = texts;
        this.gate = gate;
        this.engine = engine;
        this.caller = caller;
    }

    /** Terms, the caller's duties for {@code ?use=} (infer by default), Notice, agreement and acceptable use policy. */
    @GET
    public Response get(@PathParam("id") String id, @QueryParam("use") @Nullable String use) {
        Caller who = caller.get();
        Use wanted = use(use);
        Model model = catalog.require(who.tenantId(), id);
        LicenceGate.Explained decision = gate.explain(who, model.id(), model.licence(), wanted)
                .orElseThrow(() -> new ApiException(ApiError.unavailable(
                        "licence_unconfirmed",
                        "The licence could not be confirmed at the moment; try again.",
                        Duration.ofSeconds(1))));
        List<LicenceVersion> licences = decision.decision().licences().stream()
                .map(engine::licence)
                .flatMap(Optional::stream)
                .toList();
        ModelTexts.Texts brought = texts.of(who.tenantId(), model.id());
        View view = new View(
                "model.licence",
                model.id(),
                text(wanted),
                decision.decision() instanceof Decision.Permit && decision.refusal() == null,
                decision.decisionId(),
                licences.stream().map(Terms::of).toList(),
                decision.decision() instanceof Decision.Permit permit
                        ? permit.obligations().stream().map(Duty::of).toList()
                        : List.of(),
                reasons(decision),
                licences.stream()
                        .map(l -> l.noticeText().orElse(null))
                        .filter(Objects::nonNull)
                        .collect(Collectors.joining("\n")),
                document(brought.agreement(), model.id(), "LICENSE"),
                document(brought.usePolicy(), model.id(), "USE_POLICY"),
                decision.reattestations().stream()
                        .filter(r -> decision.decision().licences().contains(r.licence()))
                        .map(Again::of)
                        .toList());
        return Response.ok(view, MediaType.APPLICATION_JSON_TYPE).build();
    }

    private static Use use(@Nullable String given) {
        if (given == null) {
            return Use.INFER;
        }
        return Arrays.stream(Use.values())
                .filter(u -> text(u).equals(given))
                .findFirst()
                .orElseThrow(() -> new ApiException(ApiError.invalidRequest(
                        "use",
                        "invalid_value",
                        "use must be one of "
                                + Arrays.stream(Use.values())
                                        .map(ModelLicenceResource::text)
                                        .collect(Collectors.joining(", "))
                                + ".")));
    }

    private static String text(Use use) {
        return use.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static List<Why> reasons(LicenceGate.Explained decision) {
        List<Why> policy = decision.refusal() == null
                ? List.of()
                : List.of(new Why(
                        decision.refusal().code(),
                        null,
                        null,
                        decision.refusal().message()));
        if (!(decision.decision() instanceof Decision.Deny deny)) {
            return policy;
        }
        List<Why> all = new ArrayList<>(policy);
        deny.reasons()
                .forEach(r ->
                        all.add(new Why(r.code().code(), r.licence(), r.clause(), r.message() + " " + r.remedy())));
        return List.copyOf(all);
    }

    private static Document document(Optional<ModelTexts.Text> text, String model, String file) {
        return text.map(t -> new Document(
                        true,
                        t.model().equals(model)
                                ? "As it came with the model."
                                : "As it came with " + t.model() + ", from which the model was made.",
                        t.sha256(),
                        t.text()))
                .orElseGet(() -> new Document(
                        false,
                        "The model was registered without a file " + file
                                + ", or before the platform kept it; the licensor publishes the text.",
                        null,
                        null));
    }

    /**
     * A licence that the model stands under.
     *
     * @param versionDate the version's release date, as the licence names it
     * @param display what is to be displayed; null: nothing
     * @param namePrefix how names of distributed derived models begin; null: no rule
     */
    public record Terms(
            String id,
            String name,
            @JsonProperty("version_date") String versionDate,
            @Nullable String display,
            @JsonProperty("name_prefix") @Nullable String namePrefix,
            @Nullable String notice) {
        static Terms of(LicenceVersion l) {
            return new Terms(
                    l.id(),
                    l.name(),
                    l.releaseDate().toString(),
                    l.displayText().orElse(null),
                    l.namePrefix().orElse(null),
                    l.noticeText().orElse(null));
        }
    }

    /** A duty that comes with the use. */
    public record Duty(String licence, String clause, String kind, String what) {
        static Duty of(Obligation o) {
            return new Duty(o.licence(), o.clause(), o.kind().name().toLowerCase(Locale.ROOT), o.text());
        }
    }

    /** Why the use is refused. */
    public record Why(
            String code, @Nullable String licence, @Nullable String clause, String message) {}

    /**
     * A text as it was imported.
     *
     * @param available whether there is one
     * @param statement where it came from, or why there is none
     */
    public record Document(
            boolean available,
            String statement,
            @Nullable String sha256,
            @Nullable String text) {}

    /**
     * The answer.
     *
     * @param notice the text of the file "Notice" that copies carry; empty where no licence asks for one
     */
    public record View(
            String object,
            String model,
            String use,
            boolean permitted,
            @JsonProperty("decision_id") String decisionId,
            List<Terms> licences,
            List<Duty> obligations,
            List<Why> reasons,
            String notice,
            Document agreement,
            @JsonProperty("acceptable_use_policy") Document acceptableUsePolicy,
            @JsonProperty("platform_policy") List<Again> platformPolicy) {}

    /** What the platform asks for beyond the licence: an attestation that is to be repeated. */
    public record Again(
            String licence,
            @JsonProperty("reattestation_due") long reattestationDue,
            @JsonProperty("refused_from") @Nullable Long refusedFrom,
            String message) {
        static Again of(Reattestation r) {
            Instant refused = r.refusedFrom();
            return new Again(
                    r.licence(), r.due().getEpochSecond(), refused == null ? null : refused.getEpochSecond(), r.text());
        }
    }
}
