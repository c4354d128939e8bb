-- People: roles of members. Machines: scopes, expiry, rotation and last use of API keys. Projects can end.

-- From before there was MEMBER, which is DEVELOPER now. The owner is bound by forced row security and by the audit trigger:
-- both are off for these statements.
ALTER TABLE member DROP CONSTRAINT member_role_check;
ALTER TABLE api_key DROP CONSTRAINT api_key_role_check;
ALTER TABLE member NO FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key NO FORCE ROW LEVEL SECURITY;
ALTER TABLE member DISABLE TRIGGER audited;
ALTER TABLE api_key DISABLE TRIGGER audited;
UPDATE member SET role = 'DEVELOPER' WHERE role = 'MEMBER';
UPDATE api_key SET role = 'DEVELOPER' WHERE role = 'MEMBER';
ALTER TABLE member ENABLE TRIGGER audited;
ALTER TABLE api_key ENABLE TRIGGER audited;
ALTER TABLE member FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;
ALTER TABLE member ADD CONSTRAINT member_role_check CHECK (role IN ('VIEWER', 'DEVELOPER', 'OWNER'));
ALTER TABLE api_key ADD CONSTRAINT api_key_role_check CHECK (role IN ('VIEWER', 'DEVELOPER', 'OWNER'));

-- What whoever added the member calls it; identities are the identity provider's.
ALTER TABLE member ADD COLUMN name text CHECK (char_length(name) BETWEEN 1 AND 200);
GRANT UPDATE (name) ON member TO "${operator_role}";

-- An archived project stays for its ledger; its keys are refused, and it takes no new ones.
ALTER TABLE project ADD COLUMN archived_at timestamptz,
    ADD CONSTRAINT default_project_stays CHECK (id <> 'default' OR archived_at IS NULL);
GRANT UPDATE (name, archived_at) ON project TO "${operator_role}";

ALTER TABLE api_key
    -- The part of the key's text that says for which platform it is; null in keys from before there was one.
    ADD COLUMN env text CHECK (env ~ '^[a-z]{2,8}$'),
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{INFERENCE,MODELS_READ,USAGE_READ}'
        CHECK (cardinality(scopes) > 0 AND scopes <@ '{INFERENCE,MODELS_READ,USAGE_READ}'),
    -- OIDC subject of the person who made it; null in keys from before it was noted.
    ADD COLUMN created_by text,
    ADD COLUMN expires_at timestamptz,
    -- The key in whose place this one is: one successor at most.
    ADD COLUMN rotated_from text UNIQUE REFERENCES api_key;
ALTER TABLE api_key ALTER COLUMN scopes DROP DEFAULT;
GRANT SELECT (env, scopes, created_by, expires_at, rotated_from) ON api_key TO "${tenant_role}", "${operator_role}";
GRANT UPDATE (expires_at) ON api_key TO "${operator_role}";

-- Apart from api_key, so that a key's use is no change of the key, which would have to be audited.
CREATE TABLE api_key_use (
    key_id       text PRIMARY KEY REFERENCES api_key,
    tenant_id    text NOT NULL REFERENCES tenant,
    last_used_at timestamptz NOT NULL
);
CALL protect_rows('api_key_use');
GRANT SELECT ON api_key_use TO "${tenant_role}", "${operator_role}";

-- The look-up now tells scopes and expiry, and finds no key of an archived project. An expired key is found, so that its
-- holder is told what is wrong.
CREATE POLICY key_look_up ON project FOR SELECT TO "${owner_role}" USING (true);
DROP FUNCTION api_key_by_prefix(text);
CREATE FUNCTION api_key_by_prefix(wanted text)
RETURNS TABLE (key_id text, tenant_id text, project_id text, role text, scopes text[], expired boolean, hash bytea,
    tier text, cache_salt text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    SELECT k.id, k.tenant_id, k.project_id, k.role, k.scopes, coalesce(k.expires_at <= now(), false), k.hash,
        t.tier, t.cache_salt
    FROM public.api_key k
    JOIN public.tenant t ON t.id = k.tenant_id
    JOIN public.project p ON p.tenant_id = k.tenant_id AND p.id = k.project_id
    WHERE k.prefix = wanted AND k.revoked_at IS NULL AND p.archived_at IS NULL
$$;
GRANT EXECUTE ON FUNCTION api_key_by_prefix(text) TO "${auth_role}";

-- Notes that keys were used, each at most once a minute, whichever gateways say so.
CREATE POLICY note_use ON api_key_use TO "${owner_role}" USING (true) WITH CHECK (true);
CREATE FUNCTION note_api_key_use(used text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
    INSERT INTO public.api_key_use AS known (key_id, tenant_id, last_used_at)
    SELECT k.id, k.tenant_id, now() FROM public.api_key k WHERE k.id = ANY (used) ORDER BY k.id
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
        WHERE known.last_used_at <= now() - interval '1 minute'
$$;
GRANT EXECUTE ON FUNCTION note_api_key_use(text[]) TO "${auth_role}";

-- A tenant reads what was done in it. The row's hash is its id there: numbers would tell how much others do.
CREATE POLICY own_rows ON audit_log FOR SELECT TO "${tenant_role}"
    USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
GRANT SELECT (seq, at, actor, action, tenant_id, subject, detail, hash) ON audit_log TO "${tenant_role}";
CREATE INDEX audit_log_by_hash ON audit_log (hash);
