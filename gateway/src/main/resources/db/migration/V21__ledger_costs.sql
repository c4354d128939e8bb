-- What a job costs stands in the ledger, line by line, and in the rollups; rollups by hour and by day, for every API key; the
-- ledger's months are made ahead.

-- Batches come through temporary tables: COPY refuses tables with row security.
GRANT TEMPORARY ON DATABASE "${flyway:database}" TO "${ledger_role}";

ALTER TABLE ledger_entry
    ADD COLUMN job_class text NOT NULL DEFAULT 'INTERACTIVE' CHECK (job_class IN ('INTERACTIVE', 'BATCH', 'TRAINING')),
    -- US dollars, the sum of its cost lines; exact in 12 places.
    ADD COLUMN cost numeric(30, 12) NOT NULL DEFAULT 0,
    ADD CONSTRAINT failed_jobs_are_free CHECK (outcome <> 'FAILED' OR cost = 0);

CREATE TABLE cost_line (
    job_id       uuid NOT NULL,
    -- The ledger entry's.
    line         int NOT NULL,
    -- What for: 1 prompt, 2 cached prompt, 3 completion, 4 adapter premium, 5 training, 6 batch discount.
    item         smallint NOT NULL CHECK (item BETWEEN 1 AND 6),
    submitted_at timestamptz NOT NULL,
    tenant_id    text NOT NULL,
    tokens       bigint NOT NULL,
    -- US dollars a million tokens, in force at the submit time; of a discount its share.
    price        numeric(18, 6) NOT NULL,
    amount       numeric(30, 12) NOT NULL,
    PRIMARY KEY (job_id, line, item, submitted_at)
) PARTITION BY RANGE (submitted_at);
CALL protect_rows('cost_line');
CREATE POLICY ledger_reads ON cost_line FOR SELECT TO "${ledger_role}" USING (true);
CREATE POLICY ledger_posts ON cost_line FOR INSERT TO "${ledger_role}" WITH CHECK (true);
GRANT SELECT ON cost_line TO "${tenant_role}", "${operator_role}";
GRANT SELECT, INSERT ON cost_line TO "${ledger_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cost_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- As before, for both tables; what one lacks is made.
CREATE OR REPLACE FUNCTION ensure_ledger_partition(submitted timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    month timestamptz := date_trunc('month', submitted, 'UTC');
    suffix text := to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
    parent text;
BEGIN
    IF to_regclass('public.ledger_entry_' || suffix) IS NOT NULL AND to_regclass('public.cost_line_' || suffix) IS NOT NULL THEN
        RETURN 'ledger_entry_' || suffix;
    END IF;
    IF month < '2024-01-01T00:00:00Z' OR month > date_trunc('month', now(), 'UTC') + interval '2 months' THEN
        RAISE EXCEPTION 'submit time % is outside the ledger''s months', submitted
            USING ERRCODE = 'datetime_field_overflow',
                  HINT = 'the ledger begins in 2024 and ends two months ahead: check the clock of the gateway that made the job id';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ledger_entry partitions'));
    FOREACH parent IN ARRAY ARRAY['ledger_entry', 'cost_line']
    LOOP
        IF to_regclass('public.' || parent || '_' || suffix) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                parent || '_' || suffix, parent, month, ((month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
            -- Reached only through the parent, whose policies then hold; by itself it shows nothing to anyone.
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', parent || '_' || suffix);
            EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', parent || '_' || suffix);
        END IF;
    END LOOP;
    RETURN 'ledger_entry_' || suffix;
END
$$;

-- Sums of the ledger's entries by the hour, and the day, of the submit time (UTC).
CREATE TABLE usage_hour (
    tenant_id         text NOT NULL,
    start_at          timestamptz NOT NULL,
    project_id        text NOT NULL,
    api_key_id        text NOT NULL,
    model             text NOT NULL,
    -- Jobs that are billed: succeeded and cancelled ones.
    requests          bigint NOT NULL,
    failed            bigint NOT NULL,
    prompt_tokens     bigint NOT NULL,
    cached_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cost              numeric(30, 12) NOT NULL,
    PRIMARY KEY (tenant_id, start_at, project_id, api_key_id, model)
);
CREATE TABLE usage_day (LIKE usage_hour INCLUDING ALL);
CALL protect_rows('usage_hour');
CALL protect_rows('usage_day');
CREATE POLICY ledger_rows ON usage_hour TO "${ledger_role}" USING (true) WITH CHECK (true);
CREATE POLICY ledger_rows ON usage_day TO "${ledger_role}" USING (true) WITH CHECK (true);
GRANT SELECT ON usage_hour, usage_day TO "${tenant_role}", "${operator_role}";
GRANT SELECT, INSERT, UPDATE ON usage_hour, usage_day TO "${ledger_role}";

-- Jobs from before are charged by the first price, which was in force when they were submitted: so the ledger is what its
-- log gives. The owner is bound by forced row security and by the triggers; both are off for this.
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cost_line NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_hour NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_day NO FORCE ROW LEVEL SECURITY;
ALTER TABLE price NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry DISABLE TRIGGER append_only;
DO $$
DECLARE
    month timestamptz;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', submitted_at, 'UTC') FROM ledger_entry
        UNION SELECT now() UNION SELECT now() + interval '1 month'
    LOOP
        PERFORM ensure_ledger_partition(month);
    END LOOP;
END
$$;
INSERT INTO cost_line (job_id, line, item, submitted_at, tenant_id, tokens, price, amount)
SELECT e.job_id, e.line, l.item, e.submitted_at, e.tenant_id, l.tokens, l.price, l.tokens * l.price / 1000000
FROM ledger_entry e JOIN price p ON p.model = '*' AND p.tenant_id IS NULL AND p.effective_from = '2024-01-01Z',
    LATERAL (VALUES
        (1, e.prompt_tokens - e.cached_tokens, p.prompt),
        (2, e.cached_tokens, p.cached_prompt),
        (3, e.completion_tokens, p.completion),
        (4, CASE WHEN e.adapter = '' THEN 0 ELSE e.prompt_tokens + e.completion_tokens END, p.adapter_premium)
    ) AS l (item, tokens, price)
WHERE l.tokens > 0;
UPDATE ledger_entry e SET cost = c.cost
FROM (SELECT job_id, line, submitted_at, sum(amount) AS cost FROM cost_line GROUP BY 1, 2, 3) c
WHERE c.job_id = e.job_id AND c.line = e.line AND c.submitted_at = e.submitted_at;
INSERT INTO usage_hour
SELECT tenant_id, date_trunc('hour', submitted_at, 'UTC'), project_id, api_key_id, model,
    count(*) FILTER (WHERE outcome <> 'FAILED'), count(*) FILTER (WHERE outcome = 'FAILED'),
    sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
FROM ledger_entry GROUP BY 1, 2, 3, 4, 5;
INSERT INTO usage_day
SELECT tenant_id, date_trunc('day', start_at, 'UTC'), project_id, api_key_id, model, sum(requests), sum(failed),
    sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
FROM usage_hour GROUP BY 1, 2, 3, 4, 5;
ALTER TABLE ledger_entry ENABLE TRIGGER append_only;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
ALTER TABLE cost_line FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_hour FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_day FORCE ROW LEVEL SECURITY;
ALTER TABLE price FORCE ROW LEVEL SECURITY;
DROP TABLE usage_rollup;
