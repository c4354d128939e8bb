package io.altiplano.gateway.licence;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.altiplano.gateway.web.Upload;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Evidence: files as they were uploaded, by tenant. They are never changed and never deleted. */
@ApplicationScoped
public class Documents {
    /** Largest file taken, bytes. */
    public static final int MOST_BYTES = 4 * 1024 * 1024;

    /** How many a tenant may upload itself. */
    static final int MOST_OF_TENANT = 100;

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Clock clock;

    @Inject
    Documents(Db db, AuditLog audit, Tenants tenants, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.clock = clock;
    }

    /** A document with its content. */
    public record Loaded(Document document, byte[] content) {}

    /**
     * Takes a file.
     *
     * @throws ApiException 400 empty; 404 no such tenant; 413 larger than {@link #MOST_BYTES}
     */
    public Document upload(Person person, String tenantId, String name, String mediaType, InputStream body) {
        return upload(person, tenantId, name, mediaType, body, Integer.MAX_VALUE);
    }

    /**
     * Takes a file from a member of the tenant.
     *
     * @throws ApiException as {@link #upload}; 409 the tenant has {@link #MOST_OF_TENANT} already
     */
    public Document uploadOwn(Person member, String tenantId, String name, String mediaType, InputStream body) {
        return upload(member, tenantId, name, mediaType, body, MOST_OF_TENANT);
    }

    private Document upload(Person person, String tenantId, String name, String mediaType, InputStream body, int most) {
        byte[] content = read(body);
        Document document = new Document(
                "doc_" + UUID.randomUUID().toString().replace("-", ""),
                tenantId,
                name,
                mediaType,
                content.length,
                sha256(content),
                person.subject(),
                clock.instant());
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            if (DocumentStore.list(operator, tenantId).size() >= most) {
                throw new ApiException(ApiError.conflict(
                        "too_many_documents",
                        "The tenant has " + most + " documents already, and none is ever deleted; ask the platform."));
            }
            DocumentStore.insert(operator, document, content);
            Map<String, ?> detail = Map.of("sha256", document.sha256(), "bytes", content.length);
            audit.append(operator, AuditEntry.by(person, "document.upload", tenantId, document.id(), detail));
            return document;
        });
    }

    /** A tenant's documents, oldest first. */
    public List<Document> list(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return DocumentStore.list(operator, tenantId);
        });
    }

    /** One of a tenant's, with its content. */
    public Loaded load(String tenantId, String id) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return new Loaded(DocumentStore.require(operator, tenantId, id), DocumentStore.content(operator, id));
        });
    }

    private static byte[] read(InputStream body) {
        try {
            byte[] content = Upload.read(body, MOST_BYTES);
            if (content.length > MOST_BYTES) {
                throw new ApiException(ApiError.http(
                        413,
                        "document_too_large",
                        "The file is larger than " + MOST_BYTES + " bytes; send a smaller one."));
            }
            if (content.length == 0) {
                throw new ApiException(
                        ApiError.invalidRequest(null, "empty_document", "The body is empty; send the file's bytes."));
            }
            return content;
        } catch (IOException e) {
            throw new ApiException(
                    ApiError.invalidRequest(null, "unreadable_document", "The file could not be read to its end."));
        }
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
