package io.altiplano.gateway.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The append-only log of changes. The database chains the rows; this writes and reads them. */
@ApplicationScoped
public class AuditLog implements ChainSource {
    private final Db db;
    private final ObjectMapper json;

    @Inject
    AuditLog(Db db, ObjectMapper json) {
        this.db = db;
        this.json = json.copy().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);
    }

    /**
     * Appends in the transaction of the change. The chain's head stays locked until it commits, so append last: what
     * comes before runs beside other changes.
     */
    public void append(Handle operator, AuditEntry entry) {
        try {
            AuditStore.append(operator, entry, json.writeValueAsString(entry.detail()));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("detail of " + entry.action() + " cannot be written as JSON", e);
        }
    }

    @Override
    public List<AuditRow> after(long seq, int limit) {
        return db.operator(handle -> AuditStore.after(handle, seq, limit));
    }

    @Override
    public Head head() {
        return db.operator(AuditStore::head);
    }

    @Override
    public long count() {
        return db.operator(AuditStore::count);
    }

    /** Recomputes the whole chain up to the head that the database notes; the first fault found, or nothing if it holds. */
    public Optional<AuditFault> verify() {
        return Optional.ofNullable(
                new AuditVerifier(this, List.of()).verify(rows -> {}).fault());
    }
}
