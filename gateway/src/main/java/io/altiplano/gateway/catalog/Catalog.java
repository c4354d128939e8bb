package io.altiplano.gateway.catalog;

import io.altiplano.contracts.Topics;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.altiplano.licensing.LicenceVersion;
import io.altiplano.licensing.Licences;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Looks models up, registers and withdraws them. A change is seen by every replica within {@link #FRESH}. */
@ApplicationScoped
public class Catalog {
    static final Duration FRESH = Duration.ofMillis(500);

    private final Db db;
    private final AuditLog audit;
    private final ModelDirectory store;
    private final Clock clock;
    private final Map<String, Seen> seen = new ConcurrentHashMap<>();

    /** What a tenant saw at a time by {@code System.nanoTime()}. */
    private record Seen(List<Model> models, long atNanos) {
        boolean fresh() {
            return System.nanoTime() - atNanos <= FRESH.toNanos();
        }
    }

    @Inject
    Catalog(Db db, AuditLog audit, ModelDirectory store, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.store = store;
        this.clock = clock;
    }

    /** The models that a tenant may name, oldest first. */
    public List<Model> visibleTo(String tenantId) {
        Seen last = seen.get(tenantId);
        if (last == null || !last.fresh()) {
            // One query at a time for a tenant: fifty requests at once must not want fifty connections.
            last = seen.compute(tenantId, (id, old) -> old != null && old.fresh() ? old : look(id));
        }
        return last.models;
    }

    private Seen look(String tenantId) {
        long now = System.nanoTime();
        List<Model> models = db.tenant(tenantId, CatalogStore::list).stream()
                .filter(Model::ready)
                .toList();
        return new Seen(models, now);
    }

    /**
     * The model that a tenant means.
     *
     * @throws ApiException 404 if there is none, or none that it may see
     */
    public Model require(String tenantId, String id) {
        return visibleTo(tenantId).stream()
                .filter(model -> model.id().equals(id))
                .findFirst()
                .orElseThrow(() -> unknown(id));
    }

    /** All models, for the platform's own people. */
    List<Model> all() {
        return db.operator(CatalogStore::list);
    }

    /** One model whoever owns it. */
    public Optional<Model> find(String id) {
        return db.operator(handle -> CatalogStore.find(handle, id));
    }

    /**
     * Checks the model's directory in the model store and registers it.
     *
     * @param person who asks, for the audit log
     * @throws ApiException 400 where an argument or the checkpoint is at fault, 409 where the id is taken
     */
    Model register(Person person, String id, String licence, String pool, @Nullable String baseModel) {
        if (!ModelDirectory.isId(id)) {
            throw new ApiException(ApiError.invalidRequest(
                    "id", "invalid_value", "id: 1 to 128 of A-Z a-z 0-9 . _ - beginning with a letter or digit."));
        }
        requireLicence(licence);
        requirePool(pool);
        if (find(id).isPresent()) {
            throw taken(id);
        }
        if (baseModel != null && find(baseModel).isEmpty()) {
            throw new ApiException(ApiError.invalidRequest(
                    "base_model", "model_not_found", "base_model: there is no such model; register the base first."));
        }
        Checkpoint checkpoint = reading(id, Checkpoint::check);
        ModelTexts.Found texts = reading(id, directory -> ModelTexts.read(id, directory));
        Model model = new Model(
                id,
                pool,
                licence,
                baseModel,
                checkpoint.contextLength(),
                checkpoint.vocabSize(),
                checkpoint.weightsSha256(),
                null,
                clock.instant(),
                "ready");
        boolean inserted = db.operator(handle -> {
            texts.keep(handle);
            if (!CatalogStore.insert(handle, model, texts)) {
                return false;
            }
            audit.append(handle, AuditEntry.by(person, "model.register", null, id, detail(model)));
            return true;
        });
        if (!inserted) {
            throw taken(id);
        }
        return model;
    }

    /**
     * Takes a model out of service, or back into it; running jobs end by themselves.
     *
     * @throws ApiException 404 if there is none
     */
    Model setState(Person person, String id, String state) {
        if (!ModelDirectory.isId(id)) {
            throw unknown(id);
        }
        return db.operator(handle -> {
            if (!CatalogStore.setState(handle, id, state)) {
                throw unknown(id);
            }
            audit.append(handle, AuditEntry.by(person, "model." + state, null, id, Map.of()));
            return CatalogStore.find(handle, id).orElseThrow();
        });
    }

    /**
     * Takes a model out of service in an operator's transaction.
     *
     * @return false if there is no such model
     */
    public boolean withdraw(Handle operator, Person person, String id, String reason) {
        if (!CatalogStore.setState(operator, id, "withdrawn")) {
            return false;
        }
        audit.append(operator, AuditEntry.by(person, "model.withdrawn", null, id, Map.of("reason", reason)));
        return true;
    }

    private interface Reading<T> {
        T of(Path directory) throws IOException, InvalidCheckpointException;
    }

    private <T> T reading(String id, Reading<T> reading) {
        try {
            return reading.of(store.directory(id));
        } catch (InvalidCheckpointException e) {
            throw new ApiException(ApiError.invalidRequest("id", "invalid_checkpoint", String.valueOf(e.getMessage())));
        } catch (IOException e) {
            throw new ApiException(ApiError.invalidRequest(
                    "id",
                    "invalid_checkpoint",
                    "A file of the model '" + id
                            + "' in the model store cannot be read; check it and its permissions."));
        }
    }

    private static void requireLicence(String licence) {
        if (Licences.META.stream().noneMatch(known -> known.id().equals(licence))) {
            throw new ApiException(ApiError.invalidRequest(
                    "licence",
                    "unknown_licence",
                    "licence: not one that the licence engine knows; it knows "
                            + Licences.META.stream().map(LicenceVersion::id).collect(Collectors.joining(", ")) + "."));
        }
    }

    private static void requirePool(String pool) {
        try {
            Topics.requirePool(pool);
        } catch (IllegalArgumentException e) {
            throw new ApiException(ApiError.invalidRequest(
                    "pool",
                    "invalid_value",
                    "pool: a DNS label of lower case letters, digits and '-', at most 63 long."));
        }
    }

    private static Map<String, Object> detail(Model model) {
        Map<String, Object> detail = new HashMap<>();
        detail.put("licence", model.licence());
        detail.put("pool", model.pool());
        detail.put("weights_sha256", model.weightsSha256());
        if (model.baseModel() != null) {
            detail.put("base_model", model.baseModel());
        }
        return detail;
    }

    private static ApiException taken(String id) {
        return new ApiException(
                ApiError.conflict("model_exists", "There is a model '" + id + "' already; choose another id."));
    }

    private static ApiException unknown(String id) {
        String shown = id.replaceAll("[^\\x20-\\x7e]", "?");
        shown = shown.length() > 100 ? shown.substring(0, 100) + "..." : shown;
        return new ApiException(ApiError.notFound(
                "model_not_found",
                "The model '" + shown
                        + "' does not exist or you do not have access to it; GET /v1/models lists yours."));
    }
}
