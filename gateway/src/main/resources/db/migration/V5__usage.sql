-- The ledger: one entry a job and line, posted from JobFinished; rollups for readers; how far each partition of `jobs` is
-- posted. No entry holds the time of its posting: posting again from offset 0 gives the same bytes.

CREATE TABLE ledger_entry (
    job_id            uuid NOT NULL,
    -- 0 is the job itself; corrections are further lines.
    line              int NOT NULL,
    -- The time inside the job id (UUIDv7): the entry's partition never depends on when it is posted.
    submitted_at      timestamptz NOT NULL,
    tenant_id         text NOT NULL,
    project_id        text NOT NULL,
    -- Empty when the caller was not an API key.
    api_key_id        text NOT NULL,
    model             text NOT NULL,
    adapter           text NOT NULL,
    outcome           text NOT NULL CHECK (outcome IN ('SUCCEEDED', 'FAILED', 'CANCELLED')),
    prompt_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens     bigint NOT NULL,
    attempts          int NOT NULL,
    decision_id       text NOT NULL,
    finished_at       timestamptz NOT NULL,
    PRIMARY KEY (job_id, line, submitted_at),
    CHECK (line > 0 OR (prompt_tokens >= 0 AND completion_tokens >= 0 AND cached_tokens BETWEEN 0 AND prompt_tokens)),
    CHECK (outcome <> 'FAILED' OR (prompt_tokens = 0 AND completion_tokens = 0))
) PARTITION BY RANGE (submitted_at);
CREATE INDEX ledger_entry_of_tenant ON ledger_entry (tenant_id, submitted_at);
CALL protect_rows('ledger_entry');
CREATE POLICY ledger_reads ON ledger_entry FOR SELECT TO "${ledger_role}" USING (true);
CREATE POLICY ledger_posts ON ledger_entry FOR INSERT TO "${ledger_role}" WITH CHECK (true);
GRANT SELECT ON ledger_entry TO "${tenant_role}", "${operator_role}";
GRANT SELECT, INSERT ON ledger_entry TO "${ledger_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The month's partition for a submit time, created if it is not there. Months before the platform, or further ahead than a
-- wrong clock explains, are refused: a bad job id must not litter the schema. There is no default partition, because rows in
-- one would stand in the way of creating their month's.
CREATE FUNCTION ensure_ledger_partition(submitted timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    month timestamptz := date_trunc('month', submitted, 'UTC');
    partition_name text := 'ledger_entry_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || partition_name) IS NOT NULL THEN
        RETURN partition_name;
    END IF;
    IF month < '2024-01-01T00:00:00Z' OR month > date_trunc('month', now(), 'UTC') + interval '2 months' THEN
        RAISE EXCEPTION 'submit time % is outside the ledger''s months', submitted
            USING ERRCODE = 'datetime_field_overflow',
                  HINT = 'the ledger begins in 2024 and ends two months ahead: check the clock of the gateway that made the job id';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ledger_entry partitions'));
    IF to_regclass('public.' || partition_name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE public.%I PARTITION OF public.ledger_entry FOR VALUES FROM (%L) TO (%L)',
            partition_name, month, ((month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
        -- Reached only through the parent, whose policies then hold; by itself it shows nothing to anyone.
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', partition_name);
        EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', partition_name);
    END IF;
    RETURN partition_name;
END
$$;
GRANT EXECUTE ON FUNCTION ensure_ledger_partition(timestamptz) TO "${ledger_role}";
SELECT ensure_ledger_partition(now());
SELECT ensure_ledger_partition(now() + interval '1 month');

CREATE TABLE usage_rollup (
    tenant_id         text NOT NULL,
    project_id        text NOT NULL,
    model             text NOT NULL,
    -- The hour of the submit time, UTC.
    hour              timestamptz NOT NULL,
    -- Jobs that are billed: succeeded and cancelled ones.
    requests          bigint NOT NULL,
    failed            bigint NOT NULL,
    prompt_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens     bigint NOT NULL,
    PRIMARY KEY (tenant_id, project_id, model, hour)
);
CALL protect_rows('usage_rollup');
CREATE POLICY ledger_rows ON usage_rollup TO "${ledger_role}" USING (true) WITH CHECK (true);
GRANT SELECT ON usage_rollup TO "${tenant_role}", "${operator_role}";
GRANT SELECT, INSERT, UPDATE ON usage_rollup TO "${ledger_role}";

-- The next offset to post of each partition; moved by compare-and-set in the transaction that posts, so that of two
-- gateways that hold one partition during a rebalance only one posts a batch.
CREATE TABLE ingest_offset (
    topic       text NOT NULL,
    partition   int NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (topic, partition)
);
GRANT SELECT, INSERT, UPDATE ON ingest_offset TO "${ledger_role}";

-- Records that could not be posted, by where they are; the record itself stays in Kafka.
CREATE TABLE dead_letter (
    topic       text NOT NULL,
    partition   int NOT NULL,
    record_offset bigint NOT NULL,
    reason      text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);
GRANT SELECT, INSERT ON dead_letter TO "${ledger_role}";
GRANT SELECT ON dead_letter TO "${operator_role}";
