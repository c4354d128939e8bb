-- Rights that stand and rights that ended, so that whoever is alive ends the work of those who are not; the texts of licences.

-- Tells gateways that listen; they would know it within a poll anyway, so a lost connection costs only time.
CREATE OR REPLACE FUNCTION licence_fact_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    UPDATE public.licence_epoch SET epoch = epoch + 1;
    PERFORM pg_notify('licence_epoch', '');
    RETURN NULL;
END
$$;

-- Puts the caller in line with changes of facts: what it reads afterwards in its transaction is what holds until it commits.
CREATE FUNCTION lock_licence_epoch() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$ SELECT epoch FROM public.licence_epoch FOR UPDATE $$;
GRANT EXECUTE ON FUNCTION lock_licence_epoch() TO "${tenant_role}";

-- Begins a new epoch for a right that ends.
CREATE FUNCTION next_licence_epoch() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    begun bigint;
BEGIN
    UPDATE public.licence_epoch SET epoch = epoch + 1 RETURNING epoch INTO STRICT begun;
    PERFORM pg_notify('licence_epoch', '');
    RETURN begun;
END
$$;
GRANT EXECUTE ON FUNCTION next_licence_epoch() TO "${tenant_role}";

-- Questions whose answer was a permit, at the last epoch at which that was noted. A right stands until a right_withdrawal of a
-- later epoch; nothing here is ever taken back, because a gateway that was paused may hold a row's lock.
CREATE TABLE licence_standing (
    tenant_id   text NOT NULL REFERENCES tenant,
    model       text NOT NULL,
    licence     text NOT NULL,
    use         text NOT NULL,
    epoch       bigint NOT NULL,
    -- When the passing of time alone may end it; null: never.
    holds_until timestamptz,
    -- Noted at least once an hour while it is asked for: older than the longest life of queued work, it ends nothing.
    asked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, model, licence, use)
);
CREATE INDEX licence_standing_asked ON licence_standing (asked_at);
CREATE INDEX licence_standing_ends ON licence_standing (holds_until);
CALL protect_rows('licence_standing');
GRANT SELECT, INSERT, UPDATE (epoch, holds_until, asked_at) ON licence_standing TO "${tenant_role}";
GRANT SELECT ON licence_standing TO "${operator_role}";

-- A right that ended, written in the transaction of the decision that denies it, and kept. Work that was permitted below the
-- epoch ends, wherever it is; what is not published yet is published by whichever gateway is alive.
CREATE TABLE right_withdrawal (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    text NOT NULL REFERENCES tenant,
    model        text NOT NULL,
    licence      text NOT NULL,
    use          text NOT NULL,
    epoch        bigint NOT NULL,
    decision_id  uuid NOT NULL,
    code         text NOT NULL,
    message      text NOT NULL,
    decided_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When every partition of `submissions` had acknowledged it.
    published_at timestamptz
);
CREATE INDEX right_withdrawal_of_right ON right_withdrawal (tenant_id, model, licence, use, epoch);
CREATE INDEX right_withdrawal_decided ON right_withdrawal (decided_at);
CREATE INDEX right_withdrawal_unpublished ON right_withdrawal (seq) WHERE published_at IS NULL;
CALL protect_rows('right_withdrawal');
GRANT SELECT, INSERT ON right_withdrawal TO "${tenant_role}";
GRANT SELECT, UPDATE (published_at) ON right_withdrawal TO "${operator_role}";
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON right_withdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE INDEX licence_decision_by_time ON licence_decision (decided_at, id);

-- The licence and the acceptable use policy that came with a checkpoint, by their SHA-256: kept as they were imported.
CREATE TABLE licence_text (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    text   text NOT NULL,
    CHECK (encode(sha256(convert_to(text, 'UTF8')), 'hex') = sha256)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON licence_text
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON licence_text TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON licence_text TO "${operator_role}";
-- Null: the model was registered without one, or before texts were kept.
ALTER TABLE model ADD COLUMN licence_sha256 text REFERENCES licence_text;
ALTER TABLE model ADD COLUMN use_policy_sha256 text REFERENCES licence_text;
