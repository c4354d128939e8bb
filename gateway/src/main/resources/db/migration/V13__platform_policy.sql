-- The platform's own policy, apart from every licence: attestations are repeated, estimates of end users are looked at, misuse is
-- reported. Only the first can refuse work, by the row of platform_policy.

-- What the platform asks for. A change is a new row; the newest holds.
CREATE TABLE platform_policy (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- An accepted attestation is due again after so many months.
    reattestation_months int NOT NULL CHECK (reattestation_months BETWEEN 1 AND 120),
    -- For so many days before that it is shown as due; and so long everybody has from a new row on.
    notice_days   int NOT NULL CHECK (notice_days BETWEEN 0 AND 366),
    -- For so many days after that work goes on.
    grace_days    int NOT NULL CHECK (grace_days BETWEEN 0 AND 366),
    -- Whether work is refused when the grace is over, or officers only hear of it.
    deny_after_grace boolean NOT NULL,
    recorded_by   text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO platform_policy (reattestation_months, notice_days, grace_days, deny_after_grace, recorded_by)
    VALUES (12, 30, 30, true, 'system:migration');
CALL audit_changes('platform_policy');
CALL licence_fact('platform_policy');
GRANT SELECT ON platform_policy TO "${tenant_role}", "${operator_role}";
GRANT INSERT (reattestation_months, notice_days, grace_days, deny_after_grace, recorded_by)
    ON platform_policy TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON platform_policy
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- When an attestation that was accepted then is due again, and from when work is refused without a new one (null: never). Months are
-- the calendar's, in UTC. Nothing is due before the rule that says so has been there for the notice's days.
CREATE FUNCTION reattestation_of(accepted timestamptz) RETURNS TABLE (due timestamptz, refused_from timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog SET timezone = 'UTC'
AS $$
    SELECT d.due, CASE WHEN p.deny_after_grace THEN d.due + make_interval(days => p.grace_days) END
    FROM (SELECT * FROM public.platform_policy ORDER BY seq DESC LIMIT 1) p,
        LATERAL (SELECT greatest(accepted + make_interval(months => p.reattestation_months),
            p.recorded_at + make_interval(days => p.notice_days)) AS due) d
    WHERE accepted IS NOT NULL
$$;
GRANT EXECUTE ON FUNCTION reattestation_of(timestamptz) TO "${tenant_role}", "${operator_role}";

-- Distinct end users that were seen in a month, estimated: a HyperLogLog of keyed hashes, which are not stored themselves.
-- No licence fact, and nothing that decides reads it.
CREATE TABLE end_user_sketch (
    tenant_id   text NOT NULL REFERENCES tenant,
    -- Calendar month in UTC, "2026-01".
    month       text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    sketch      bytea NOT NULL CHECK (octet_length(sketch) BETWEEN 1 AND 16384),
    estimate    bigint NOT NULL,
    -- Bounds of two standard errors: about 95 in 100 sketches lie between.
    lower_bound bigint NOT NULL CHECK (lower_bound BETWEEN 0 AND estimate),
    upper_bound bigint NOT NULL CHECK (upper_bound >= estimate),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, month)
);
CREATE INDEX end_user_sketch_of_month ON end_user_sketch (month);
CALL protect_rows('end_user_sketch');
GRANT SELECT, INSERT, UPDATE (sketch, estimate, lower_bound, upper_bound, updated_at) ON end_user_sketch
    TO "${tenant_role}";
GRANT SELECT ON end_user_sketch TO "${operator_role}";

-- Something that an officer should look at. It opens by itself, once for each subject, and decides nothing. Tenants do not see it.
CREATE TABLE policy_review (
    id          text PRIMARY KEY,
    tenant_id   text NOT NULL REFERENCES tenant,
    kind        text NOT NULL CHECK (kind IN ('REATTESTATION', 'END_USERS')),
    -- An attestation's id; or the month and, if it is about one, the licence: "2026-01 llama-3.1".
    subject     text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
    licence     text,
    -- The numbers that opened it.
    facts       jsonb NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    state       text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'CLOSED')),
    closed_at   timestamptz,
    closed_by   text,
    closed_by_name text,
    reason      text CHECK (char_length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT closed_with_a_reason CHECK ((state = 'OPEN') = (closed_at IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)
        AND (closed_at IS NULL) = (reason IS NULL)),
    CONSTRAINT policy_review_once UNIQUE (tenant_id, kind, subject)
);
CREATE INDEX policy_review_newest ON policy_review (opened_at, id);
CALL protect_rows('policy_review');
CALL audit_changes('policy_review');
GRANT SELECT, INSERT (id, tenant_id, kind, subject, licence, facts) ON policy_review TO "${operator_role}";
GRANT UPDATE (state, closed_at, closed_by, closed_by_name, reason) ON policy_review TO "${operator_role}";

CREATE TABLE policy_review_event (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id  text NOT NULL REFERENCES policy_review,
    tenant_id  text NOT NULL REFERENCES tenant,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- OIDC subject or "system:..."; and the name for people.
    actor      text NOT NULL,
    actor_name text NOT NULL,
    action     text NOT NULL CHECK (action IN ('OPENED', 'COMMENTED', 'CLOSED')),
    text       text CHECK (char_length(text) BETWEEN 1 AND 4000)
);
CREATE INDEX policy_review_event_of_review ON policy_review_event (review_id, seq);
CALL protect_rows('policy_review_event');
CALL audit_changes('policy_review_event');
GRANT SELECT, INSERT (review_id, tenant_id, actor, actor_name, action, text) ON policy_review_event TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_review_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What anyone says about a model's or a tenant's misuse. Whom it names is text until an officer decides: nothing is looked up for
-- the reporter, who learns nothing. No tenant sees any of it.
CREATE TABLE abuse_report (
    id           text PRIMARY KEY,
    subject_kind text NOT NULL CHECK (subject_kind IN ('MODEL', 'TENANT')),
    subject_id   text NOT NULL CHECK (char_length(subject_id) BETWEEN 1 AND 200),
    category     text NOT NULL CHECK (category ~ '^[A-Z_]{3,50}$'),
    description  text NOT NULL CHECK (char_length(description) BETWEEN 1 AND 10000),
    -- How the reporter may be reached, if it says so.
    contact      text CHECK (char_length(contact) BETWEEN 1 AND 320),
    -- Of the API key that it came with, if any.
    reporter_tenant text REFERENCES tenant,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    state        text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RESOLVED')),
    assignee     text CHECK (char_length(assignee) BETWEEN 1 AND 255),
    outcome      text CHECK (outcome IN ('NO_ACTION', 'WARNED', 'SUSPENDED', 'MODEL_WITHDRAWN')),
    -- Who was warned or suspended.
    tenant_id    text REFERENCES tenant,
    resolved_at  timestamptz,
    resolved_by  text,
    resolved_by_name text,
    reason       text CHECK (char_length(reason) BETWEEN 1 AND 900),
    CONSTRAINT resolved_by_somebody CHECK ((state = 'OPEN') = (outcome IS NULL) AND (outcome IS NULL) = (resolved_at IS NULL)
        AND (outcome IS NULL) = (resolved_by IS NULL) AND (outcome IS NULL) = (reason IS NULL)),
    CONSTRAINT somebody_is_meant CHECK (coalesce(outcome IN ('WARNED', 'SUSPENDED'), false) = (tenant_id IS NOT NULL))
);
CREATE INDEX abuse_report_newest ON abuse_report (received_at, id);
ALTER TABLE abuse_report ENABLE ROW LEVEL SECURITY;
ALTER TABLE abuse_report FORCE ROW LEVEL SECURITY;
CREATE POLICY operator_rows ON abuse_report TO "${operator_role}" USING (true) WITH CHECK (true);
CALL audit_changes('abuse_report');
GRANT SELECT, INSERT (id, subject_kind, subject_id, category, description, contact, reporter_tenant) ON abuse_report
    TO "${operator_role}";
GRANT UPDATE (state, assignee, outcome, tenant_id, resolved_at, resolved_by, resolved_by_name, reason) ON abuse_report
    TO "${operator_role}";

CREATE TABLE abuse_report_event (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id  text NOT NULL REFERENCES abuse_report,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text NOT NULL,
    actor_name text NOT NULL,
    action     text NOT NULL CHECK (action IN ('RECEIVED', 'ASSIGNED', 'NOTED', 'RESOLVED')),
    text       text CHECK (char_length(text) BETWEEN 1 AND 4000)
);
CREATE INDEX abuse_report_event_of_report ON abuse_report_event (report_id, seq);
ALTER TABLE abuse_report_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE abuse_report_event FORCE ROW LEVEL SECURITY;
CREATE POLICY operator_rows ON abuse_report_event TO "${operator_role}" USING (true) WITH CHECK (true);
CALL audit_changes('abuse_report_event');
GRANT SELECT, INSERT (report_id, actor, actor_name, action, text) ON abuse_report_event TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON abuse_report_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is closed stays as it was; and whom a report is said to have suspended is suspended.
CREATE FUNCTION policy_rules() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF OLD.state <> 'OPEN' THEN
        RAISE EXCEPTION '% % is closed', TG_TABLE_NAME, OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_TABLE_NAME = 'abuse_report' AND to_jsonb(NEW) ->> 'outcome' = 'SUSPENDED' AND NOT EXISTS (
            SELECT FROM public.tenant t WHERE t.id = NEW.tenant_id AND t.tier = 'SUSPENDED') THEN
        RAISE EXCEPTION 'the tenant % of report % is not suspended', NEW.tenant_id, NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER policy_rules BEFORE UPDATE ON policy_review FOR EACH ROW EXECUTE FUNCTION policy_rules();
CREATE TRIGGER policy_rules BEFORE UPDATE ON abuse_report FOR EACH ROW EXECUTE FUNCTION policy_rules();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON policy_review FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON abuse_report FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
