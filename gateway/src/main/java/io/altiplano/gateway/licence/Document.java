package io.altiplano.gateway.licence;

import java.time.Instant;

/**
 * An uploaded file, without its content.
 *
 * @param id "doc_" and 32 hex digits
 * @param name as the uploader called it
 * @param mediaType as the uploader said; never trusted, for it is served as an attachment
 * @param bytes its size
 * @param sha256 64 lower-case hex digits
 * @param uploadedBy OIDC subject
 */
public record Document(
        String id,
        String tenantId,
        String name,
        String mediaType,
        int bytes,
        String sha256,
        String uploadedBy,
        Instant uploadedAt) {}
