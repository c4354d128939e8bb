package io.altiplano.gateway.licence;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code document} in SQL. */
final class DocumentStore {
    private static final String COLUMNS =
            "SELECT id, tenant_id, name, media_type, octet_length(content) AS bytes, sha256, uploaded_by, uploaded_at FROM document ";

    private DocumentStore() {}

    static void insert(Handle operator, Document d, byte[] content) {
        operator.createUpdate("""
                        INSERT INTO document (id, tenant_id, name, media_type, content, sha256, uploaded_by)
                        VALUES (:id, :tenantId, :name, :mediaType, :content, :sha256, :uploadedBy)""").bindMethods(d).bind("content", content).execute();
    }

    /**
     * A tenant's document.
     *
     * @throws ApiException 404 if it is not there or another tenant's
     */
    static Document require(Handle handle, String tenantId, String id) {
        return find(handle, tenantId, id).orElseThrow(() -> unknown(id));
    }

    static Optional<Document> find(Handle handle, String tenantId, String id) {
        return handle.createQuery(COLUMNS + "WHERE id = :id AND tenant_id = :tenant")
                .bind("id", id)
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Document.class))
                .findOne();
    }

    static byte[] content(Handle handle, String id) {
        return handle.createQuery("SELECT content FROM document WHERE id = :id")
                .bind("id", id)
                .map((rs, ctx) -> rs.getBytes(1))
                .one();
    }

    static List<Document> list(Handle handle, String tenantId) {
        return handle.createQuery(COLUMNS + "WHERE tenant_id = :tenant ORDER BY uploaded_at, id")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Document.class))
                .list();
    }

    static ApiException unknown(String id) {
        return new ApiException(ApiError.notFound("document_not_found", "There is no document " + id + "."));
    }
}
