package io.altiplano.gateway.chat;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogitBias;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.catalog.Catalog;
import io.altiplano.gateway.catalog.Model;
import io.altiplano.gateway.entitlement.Admission;
import io.altiplano.gateway.entitlement.Demand;
import io.altiplano.gateway.entitlement.Entitlements;
import io.altiplano.gateway.entitlement.Plan;
import io.altiplano.gateway.job.AnswerStream;
import io.altiplano.gateway.job.GatewayWatch;
import io.altiplano.gateway.job.IdempotentRequests;
import io.altiplano.gateway.job.JobService;
import io.altiplano.gateway.job.JobStream;
import io.altiplano.gateway.job.RequestKey;
import io.altiplano.gateway.licence.LicenceGate;
import io.altiplano.gateway.licence.LicenceVerdict;
import io.altiplano.gateway.policy.EndUsers;
import io.altiplano.gateway.price.Price;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.usage.LedgerEntry;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.licensing.Use;
import io.altiplano.tokenizer.ChatTemplateException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The path of every chat request: model, prompt, licence, limits, a job for each answer. Each step may refuse; only the last one
 * queues, and what the limits' step reserved is given back on every way out.
 */
@ApplicationScoped
public class ChatService {
    /** No known vocabulary has a longer token; used to refuse hopeless prompts before they are encoded. */
    private static final int LONGEST_TOKEN_BYTES = 128;

    /** Prices are of a million tokens. */
    private static final int MILLION = 6;

    private final Catalog catalog;
    private final Entitlements entitlements;
    private final Encoders encoders;
    private final LicenceGate licences;
    private final JobService jobs;
    private final IdempotentRequests idempotent;
    private final GatewayWatch living;
    private final PriceBook prices;
    private final EndUsers endUsers;
    private final SecureRandom random = new SecureRandom();

    @Inject
    ChatService(
            Catalog catalog,
            Entitlements entitlements,
            Encoders encoders,
            LicenceGate licences,
            JobService jobs,
            IdempotentRequests idempotent,
            GatewayWatch living,
            PriceBook prices,
            EndUsers endUsers) {
        this.catalog = catalog;
        this.entitlements = entitlements;
        this.encoders = encoders;
        this.licences = licences;
        this.jobs = jobs;
        this.idempotent = idempotent;
        this.living = living;
        this.prices = prices;
        this.endUsers = endUsers;
    }

    /** What the checks gave. */
    private record Checked(Plan plan, int[] prompt, int wanted, LicenceVerdict.Permitted permit) {}

    /**
     * Accepts a request and queues its jobs.
     *
     * @param key what its client named it by, or null: then it is a request of its own
     * @throws ApiException with the first step's refusal; then nothing was queued
     */
    public ChatJob submit(Caller caller, ChatRequest request, @Nullable RequestKey key) {
        if (caller.role() == Role.VIEWER) {
            throw new ApiException(ApiError.forbidden(
                    "insufficient_role", "This key may look and not run jobs; use a developer's key."));
        }
        Model model = catalog.require(caller.tenantId(), request.model());
        return key == null ? submitOnce(caller, request, model) : submitNamed(caller, request, model, key);
    }

    private ChatJob submitOnce(Caller caller, ChatRequest request, Model model) {
        Checked checked = check(caller, request, model);
        List<JobId> ids = Stream.generate(jobs::newId).limit(request.n()).toList();
        Demand demand = demand(caller, request, ids, checked.prompt().length, checked.wanted());
        // Its client is connected to this process; without it nobody sends the jobs.
        Admission admission = entitlements.reserve(caller, demand.of(living.self()));
        try {
            List<JobStream> streams = submitAll(
                    job(caller, request, model, admission, checked), ids, right(caller, model, checked.permit()));
            AtomicInteger open = new AtomicInteger(streams.size());
            streams.forEach(stream -> stream.onEnd(() -> {
                if (open.decrementAndGet() == 0) {
                    admission.close();
                }
            }));
            seen(caller, request);
            return new ChatJob(request, new Choices(streams), encoders.of(model).tokenizer(), admission.headers());
        } catch (ApiException e) {
            admission.release();
            throw Entitlements.with(e, admission.headers());
        } catch (Throwable e) {
            admission.release();
            throw e;
        }
    }

    /** Queues a job for each answer, alike but for its number: all of them or none. */
    private List<JobStream> submitAll(JobSubmitted.Builder job, List<JobId> ids, LongSupplier right) {
        List<JobStream> streams = new ArrayList<>();
        try {
            for (int choice = 0; choice < ids.size(); choice++) {
                job.setJobId(ids.get(choice).toString()).getSamplingBuilder().setChoice(choice);
                streams.add(jobs.submit(job, right));
            }
            return streams;
        } catch (Throwable e) {
            streams.forEach(stream -> stream.cancel(LedgerEntry.CHOICE_FAILED));
            throw e;
        }
    }

    /**
     * Sent again it reserves nothing, is decided about no second time, and is answered as the first time. Each answer has a key
     * and a reservation of its own: where one job failed, the others' answers are kept, and the next try runs that one alone.
     */
    private ChatJob submitNamed(Caller caller, ChatRequest request, Model model, RequestKey key) {
        Map<String, String> headers = new HashMap<>();
        List<AnswerStream> streams = new ArrayList<>();
        // With the first job that this call begins: its seed is the others' too.
        JobSubmitted.@Nullable Builder[] pattern = {null};
        @Nullable Checked[] checked = {null};
        for (int i = 0; i < request.n(); i++) {
            int choice = i;
            streams.add(idempotent.answer(key.ofChoice(choice), () -> {
                Checked good = checked[0] == null ? check(caller, request, model) : checked[0];
                checked[0] = good;
                JobId id = jobs.newId();
                Admission admission = entitlements.reserve(
                        caller, demand(caller, request, List.of(id), good.prompt().length, good.wanted()));
                headers.putAll(admission.headers());
                JobSubmitted.Builder first =
                        pattern[0] == null ? job(caller, request, model, admission, good) : pattern[0];
                pattern[0] = first;
                JobSubmitted.Builder job = first.clone().setJobId(id.toString());
                job.getSamplingBuilder().setChoice(choice).setMaxTokens(admission.maxTokens());
                return new IdempotentRequests.Accepted(
                        job, right(caller, model, good.permit()), admission::close, admission::release);
            }));
        }
        if (checked[0] == null) {
            headers.put("idempotent-replayed", "true");
        } else {
            seen(caller, request);
        }
        return new ChatJob(request, new Choices(streams), encoders.of(model).tokenizer(), headers);
    }

    private void seen(Caller caller, ChatRequest request) {
        if (request.endUser() != null) {
            endUsers.seen(caller.tenantId(), request.endUser());
        }
    }

    private LongSupplier right(Caller caller, Model model, LicenceVerdict.Permitted permit) {
        return () -> permitted(licences.confirm(permit, caller, model.id(), model.licence(), Use.INFER))
                .licenceEpoch();
    }

    /** Every check before the limits' own. */
    private Checked check(Caller caller, ChatRequest request, Model model) {
        entitlements.heed(caller);
        Plan plan = entitlements.plan(caller);
        Encoders.Encoder encoder = encoders.of(model);
        try {
            requireBatch(request, plan);
            int[] prompt = encode(encoder, model, request);
            requireKnownTokens(request, encoder);
            int wanted = maxTokens(request, plan, model, prompt.length);
            return new Checked(
                    plan, prompt, wanted, permitted(licences.check(caller, model.id(), model.licence(), Use.INFER)));
        } catch (ApiException e) {
            throw e.error().status() < 500 ? entitlements.counted(caller, e) : e;
        }
    }

    private static void requireBatch(ChatRequest request, Plan plan) {
        if (request.flex() && !plan.batch()) {
            throw new ApiException(ApiError.forbidden(
                    "batch_not_in_plan",
                    "Your plan has no batch work, which service_tier flex is; leave service_tier out."));
        }
    }

    /** At the full price: what the cache or a discount takes off is known at the end. */
    private Demand demand(Caller caller, ChatRequest request, List<JobId> ids, int prompt, int wanted) {
        Price price = prices.at(Instant.ofEpochMilli(ids.getFirst().submittedAtMillis()))
                .of(caller.tenantId(), request.model());
        return new Demand(
                ids.stream().map(JobId::value).toList(),
                prompt,
                wanted,
                request.maxTokens().isEmpty(),
                Math.max(1, request.minTokens()),
                price.prompt().movePointLeft(MILLION),
                price.completion().movePointLeft(MILLION));
    }

    private static int[] encode(Encoders.Encoder encoder, Model model, ChatRequest request) {
        long bytes = request.messages().stream().mapToLong(ChatService::bytes).sum();
        if (bytes / LONGEST_TOKEN_BYTES > model.contextLength()) {
            throw contextExceeded(model, "The messages alone are far longer.");
        }
        try {
            int[] prompt = encoder.chat().encode(request.messages(), request.tools(), true);
            if (prompt.length == 0) {
                throw new ApiException(ApiError.invalidRequest(
                        "messages", "empty_prompt", "The messages come to no token at all; send some text."));
            }
            return prompt;
        } catch (ChatTemplateException e) {
            throw new ApiException(ApiError.invalidRequest(
                    "messages",
                    "template_refused",
                    "The model's chat template refuses these messages: " + e.getMessage()));
        }
    }

    private static long bytes(Map<String, Object> message) {
        return message.get("content") instanceof String s ? s.getBytes(StandardCharsets.UTF_8).length : 0;
    }

    /** The longest answer: what was asked for if the plan and the context allow it, else what they leave. */
    static int maxTokens(ChatRequest request, Plan plan, Model model, int promptTokens) {
        int left = model.contextLength() - promptTokens;
        if (left < 1) {
            throw contextExceeded(model, "The messages come to " + promptTokens + " tokens.");
        }
        if (request.maxTokens().isEmpty()) {
            int chosen = Math.min(plan.defaultMaxTokens(), left);
            if (request.minTokens() > chosen) {
                throw new ApiException(ApiError.invalidRequest(
                        "min_tokens",
                        "invalid_value",
                        "min_tokens is " + request.minTokens() + ", but the answer ends at " + chosen
                                + " tokens; ask for max_tokens as well."));
            }
            return chosen;
        }
        int asked = request.maxTokens().getAsInt();
        if (asked > left) {
            throw contextExceeded(
                    model,
                    "You asked for " + ((long) promptTokens + asked) + " (" + promptTokens + " in the messages, "
                            + asked + " in the answer).");
        }
        if (asked > plan.maxTokens()) {
            throw new ApiException(ApiError.invalidRequest(
                    "max_tokens",
                    "max_tokens_over_plan",
                    "Your plan's longest answer is " + plan.maxTokens() + " tokens; you asked for " + asked + "."));
        }
        return asked;
    }

    private static ApiException contextExceeded(Model model, String detail) {
        return new ApiException(ApiError.invalidRequest(
                "messages",
                "context_length_exceeded",
                "This model's maximum context length is " + model.contextLength() + " tokens. " + detail
                        + " Shorten the messages or the answer."));
    }

    private static LicenceVerdict.Permitted permitted(LicenceVerdict verdict) {
        return switch (verdict) {
            case LicenceVerdict.Permitted permitted -> permitted;
            case LicenceVerdict.Refused(String code, String message) ->
                throw new ApiException(ApiError.forbidden(code, message));
            case LicenceVerdict.Unconfirmed() ->
                throw new ApiException(ApiError.unavailable(
                        "licence_unconfirmed",
                        "The licence could not be confirmed at the moment; try again.",
                        Duration.ofSeconds(1)));
        };
    }

    private static void requireKnownTokens(ChatRequest request, Encoders.Encoder encoder) {
        int size = encoder.tokenizer().vocabularySize();
        for (int token : request.choice().logitBias().keySet()) {
            if (token >= size) {
                throw new ApiException(ApiError.invalidRequest(
                        "logit_bias",
                        "invalid_value",
                        "logit_bias names token " + token + "; this model has the tokens 0 to " + (size - 1) + "."));
            }
        }
    }

    private Sampling.Builder sampling(ChatRequest request, int maxTokens) {
        TokenChoice choice = request.choice();
        Sampling.Builder sampling = Sampling.newBuilder()
                .setTemperature(choice.temperature())
                .setTopP(choice.topP())
                .setTopK(choice.topK())
                .setMinP(choice.minP())
                .setPresencePenalty(choice.presencePenalty())
                .setFrequencyPenalty(choice.frequencyPenalty())
                .setRepetitionPenalty(choice.repetitionPenalty())
                .setSeed(choice.seed().orElseGet(random::nextLong))
                .setMaxTokens(maxTokens)
                .setMinTokens(request.minTokens())
                .addAllStop(request.stop())
                .setLogprobs(request.logprobs())
                .setTopLogprobs(request.topLogprobs());
        choice.logitBias()
                .forEach((token, bias) -> sampling.addLogitBias(
                        LogitBias.newBuilder().setToken(token).setBias(bias)));
        return sampling;
    }

    private JobSubmitted.Builder job(
            Caller caller, ChatRequest request, Model model, Admission admission, Checked checked) {
        int[] prompt = checked.prompt();
        List<Integer> tokens = Arrays.stream(prompt).boxed().toList();
        return JobSubmitted.newBuilder()
                .setPool(model.pool())
                .setModel(model.id())
                .setTenantId(caller.tenantId())
                .setProjectId(caller.projectId())
                .setApiKeyId(caller.apiKeyId())
                .addAllPromptTokens(tokens)
                .addAllPrefixHashes(PrefixHashes.of(caller.cacheSalt(), model.id(), "", prompt))
                .setSampling(sampling(request, admission.maxTokens()))
                .setJobClass(request.flex() ? JobClass.JOB_CLASS_BATCH : JobClass.JOB_CLASS_INTERACTIVE)
                .setWeight(checked.plan().weight())
                .setTenantRunningLimit(admission.tenantConcurrent())
                .setProjectRunningLimit(admission.projectConcurrent())
                .setEstimatedCost((long) prompt.length + admission.maxTokens())
                .setDecisionId(checked.permit().decisionId())
                .setStream(request.stream());
    }
}
