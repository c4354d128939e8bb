-- The audit log: append-only, each row chained to the one before by SHA-256. The chain is made here and not by the writer,
-- so every writer is in it; a verifier outside recomputes it from the rows (io.altiplano.gateway.audit.AuditChain).

CREATE TABLE audit_log (
    -- Without gaps, from 1.
    seq       bigint PRIMARY KEY,
    at        timestamptz NOT NULL,
    -- Who: the OIDC user name, or "system:" and a part of the platform.
    actor     text NOT NULL CHECK (actor <> ''),
    -- What: a dotted verb, e.g. "tenant.create".
    action    text NOT NULL CHECK (action <> ''),
    -- Whom it concerns; null for the platform itself.
    tenant_id text,
    -- Which thing, e.g. an API key's id.
    subject   text NOT NULL,
    -- JSON as it was written; text and not jsonb, because the hash is over these bytes.
    detail    text NOT NULL CHECK (detail IS JSON OBJECT),
    prev_hash bytea NOT NULL,
    hash      bytea NOT NULL
);
CREATE INDEX audit_log_of_tenant ON audit_log (tenant_id, seq);

-- The last row's number and hash; locking it puts writers in line. The chain begins with 32 zero bytes.
CREATE TABLE audit_head (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    seq     bigint NOT NULL,
    hash    bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- hash = SHA-256(previous hash, then each field in the order of the columns as a netstring: UTF-8 length ':' text ',').
-- The time is in microseconds of the Unix epoch; no tenant is the empty text.
CREATE FUNCTION audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    head public.audit_head%ROWTYPE;
    field text;
    line text := '';
BEGIN
    SELECT * INTO STRICT head FROM public.audit_head FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.at := clock_timestamp();
    NEW.prev_hash := head.hash;
    FOREACH field IN ARRAY ARRAY[
        NEW.seq::text, ((extract(epoch FROM NEW.at) * 1000000)::bigint)::text,
        NEW.actor, NEW.action, coalesce(NEW.tenant_id, ''), NEW.subject, NEW.detail]
    LOOP
        line := line || octet_length(convert_to(field, 'UTF8')) || ':' || field || ',';
    END LOOP;
    NEW.hash := sha256(head.hash || convert_to(line, 'UTF8'));
    UPDATE public.audit_head SET seq = NEW.seq, hash = NEW.hash;
    PERFORM set_config('app.audited', 'yes', true);
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_chain();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', HINT = 'a correction is a new row';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A tenant sees none of it, so there is no policy for it; the operator reads and appends.
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY operator_reads ON audit_log FOR SELECT TO "${operator_role}" USING (true);
CREATE POLICY operator_appends ON audit_log FOR INSERT TO "${operator_role}" WITH CHECK (true);
GRANT SELECT, INSERT (actor, action, tenant_id, subject, detail) ON audit_log TO "${operator_role}";
GRANT SELECT ON audit_head TO "${operator_role}";

-- An operator's transaction that changed a table so guarded and left no audit row does not commit.
CREATE FUNCTION require_audit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF coalesce(current_setting('app.audited', true), '') <> 'yes' THEN
        RAISE EXCEPTION 'a change of % without an audit row', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', HINT = 'append to audit_log in the same transaction';
    END IF;
    RETURN NULL;
END
$$;
CREATE PROCEDURE audit_changes(target regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON %s '
        'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit()', target);
END
$$;
CALL audit_changes('tenant');
CALL audit_changes('project');
CALL audit_changes('member');
CALL audit_changes('api_key');
