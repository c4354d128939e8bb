-- Requests with an Idempotency-Key: what was asked, by its hash; the job that was accepted for it (the outbox: committed here
-- before it goes to Kafka, so that any gateway can send it again); and the answer, for 24 hours.

CREATE TABLE idempotent_request (
    tenant_id    text NOT NULL REFERENCES tenant,
    project_id   text NOT NULL,
    -- The client's; for a further answer of its request a space and its number behind it.
    key          text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 300),
    -- SHA-256 of the endpoint and the body.
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    job_id       uuid NOT NULL,
    -- The JobSubmitted, sealed by the gateways' key; null once the answer is there.
    submission   bytea,
    -- When Kafka had acknowledged it; null: it may still have to be sent.
    published_at timestamptz,
    -- The gateway process that collects the answer. Past held_until it counts as dead, and another takes over.
    holder       uuid NOT NULL,
    held_until   timestamptz NOT NULL,
    -- The whole answer, sealed; null while the job runs.
    answer       bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, project_id, key),
    CHECK (answer IS NOT NULL OR submission IS NOT NULL)
);
CREATE INDEX idempotent_request_open ON idempotent_request (held_until) WHERE answer IS NULL;
CREATE INDEX idempotent_request_old ON idempotent_request (expires_at);
CALL protect_rows('idempotent_request');
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotent_request TO "${tenant_role}";
-- The gateways' rounds over all tenants: taking over and deleting. What is sealed stays so.
GRANT SELECT, UPDATE (holder, held_until), DELETE ON idempotent_request TO "${operator_role}";
