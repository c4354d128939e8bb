-- The audit log's second version: a row's hash covers the acting person's OIDC subject and the version. Rows from before keep
-- theirs, and are verified by the first rule. And verdicts of the licence engine are audited.

ALTER TABLE audit_log
    -- The OIDC subject of the acting person, for names can change; empty for a part of the platform.
    ADD COLUMN actor_subject text NOT NULL DEFAULT '',
    -- By which rule the row's hash was made.
    ADD COLUMN version smallint NOT NULL DEFAULT 1,
    ADD CONSTRAINT first_version_covers_no_subject CHECK (version > 1 OR actor_subject = ''),
    ADD CONSTRAINT platform_is_null CHECK (tenant_id <> '') NOT VALID;
ALTER TABLE audit_log ALTER COLUMN version SET DEFAULT 2;
GRANT INSERT (actor_subject) ON audit_log TO "${operator_role}";
GRANT SELECT (actor_subject) ON audit_log TO "${tenant_role}";

-- SHA-256(previous hash, then each field as a netstring: UTF-8 length ':' text ','). The fields of version 1: seq, at, actor,
-- action, tenant, subject, detail; of version 2: version, seq, at, actor, actor's subject, action, tenant, subject, detail.
-- The time is in microseconds of the Unix epoch; no tenant is the empty text.
CREATE FUNCTION audit_row_hash(version smallint, prev_hash bytea, seq bigint, at timestamptz, actor text, actor_subject text,
    action text, tenant_id text, subject text, detail text) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    micros text := ((extract(epoch FROM at) * 1000000)::bigint)::text;
    fields text[];
    field text;
    line text := '';
BEGIN
    CASE version
        WHEN 1 THEN fields := ARRAY[seq::text, micros, actor, action, coalesce(tenant_id, ''), subject, detail];
        WHEN 2 THEN fields := ARRAY[version::text, seq::text, micros, actor, actor_subject, action, coalesce(tenant_id, ''),
            subject, detail];
    END CASE;
    FOREACH field IN ARRAY fields
    LOOP
        line := line || octet_length(convert_to(field, 'UTF8')) || ':' || field || ',';
    END LOOP;
    RETURN sha256(prev_hash || convert_to(line, 'UTF8'));
END
$$;

-- The head is locked after the licence epoch, by everyone: a change of a licence fact locks the epoch, and may come before its
-- audit row or after it. Whoever stands still while holding both holds up everybody's changes and the ends of rights: the server
-- ends such a transaction before the others' patience (lock_timeout, 2 s) does.
CREATE OR REPLACE FUNCTION audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    head public.audit_head%ROWTYPE;
BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '1500', true);
    PERFORM FROM public.licence_epoch FOR UPDATE;
    SELECT * INTO STRICT head FROM public.audit_head FOR UPDATE;
    NEW.version := 2;
    NEW.seq := head.seq + 1;
    NEW.at := clock_timestamp();
    NEW.prev_hash := head.hash;
    NEW.hash := public.audit_row_hash(NEW.version, NEW.prev_hash, NEW.seq, NEW.at, NEW.actor, NEW.actor_subject, NEW.action,
        NEW.tenant_id, NEW.subject, NEW.detail);
    UPDATE public.audit_head SET seq = NEW.seq, hash = NEW.hash;
    PERFORM set_config('app.audited', 'yes', true);
    RETURN NEW;
END
$$;

-- Verdicts: every denial that is recorded, and a permit where none was or where the last one was a denial. The row is written
-- when the transaction of the verdict commits, so the chain is held for no longer than that; a verdict that is remembered
-- writes nothing. It runs as the owner, whom forced row security binds, hence the owner's policies.
CREATE INDEX licence_decision_of_right ON licence_decision (tenant_id, model, use, decided_at);
CREATE POLICY verdict_look_up ON licence_decision FOR SELECT TO "${owner_role}" USING (true);
CREATE POLICY verdicts_append ON audit_log FOR INSERT TO "${owner_role}"
    WITH CHECK (actor = 'system:licence' AND actor_subject = '' AND action = 'licence.verdict');
CREATE FUNCTION last_verdict(of_tenant text, of_model text, of_use text, but uuid) RETURNS boolean
LANGUAGE sql SET search_path = pg_catalog
AS $$
    SELECT d.permitted FROM public.licence_decision d
    WHERE d.tenant_id = of_tenant AND d.model = of_model AND d.use = of_use AND d.id <> but
    ORDER BY d.decided_at DESC LIMIT 1
$$;
CREATE FUNCTION audit_verdict() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF NEW.permitted THEN
        IF public.last_verdict(NEW.tenant_id, NEW.model, NEW.use, NEW.id) THEN
            RETURN NULL;
        END IF;
        -- Of two gateways that permit at once one is the first: looked at again with the chain locked, in everyone's order.
        PERFORM FROM public.licence_epoch FOR UPDATE;
        PERFORM FROM public.audit_head FOR UPDATE;
        IF public.last_verdict(NEW.tenant_id, NEW.model, NEW.use, NEW.id) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO public.audit_log (actor, action, tenant_id, subject, detail)
    VALUES ('system:licence', 'licence.verdict', NEW.tenant_id, NEW.id::text, json_build_object(
        'model', NEW.model, 'licence', NEW.licence, 'use', NEW.use, 'permitted', NEW.permitted, 'licence_epoch', NEW.epoch,
        'reasons', jsonb_path_query_array(NEW.verdict, '$.reasons[*].code'), 'policy', NEW.policy -> 'code')::text);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER audit_verdict AFTER INSERT ON licence_decision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_verdict();
