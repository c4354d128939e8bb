-- Tenants, projects, members, API keys, and the row rules that all later tables follow.
--
-- Roles (db/roles.sql): the owner runs this and owns everything; the gateway serves as the four app roles, none of which
-- owns a table or bypasses row security. Row security is forced, so the owner is bound by the policies too.

REVOKE ALL ON DATABASE "${flyway:database}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "${flyway:database}"
    TO "${tenant_role}", "${auth_role}", "${ledger_role}", "${operator_role}";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO "${tenant_role}", "${auth_role}", "${ledger_role}", "${operator_role}";
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;

-- Makes a table tenant-owned: row security on and forced; a tenant's transaction sees its own rows, the operator all.
-- After a transaction-local set_config the setting is '' and not null, hence nullif.
CREATE PROCEDURE protect_rows(target regclass, tenant_column name DEFAULT 'tenant_id')
LANGUAGE plpgsql AS $$
DECLARE
    own text := format('%I = nullif(current_setting(''app.tenant'', true), '''')', tenant_column);
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY own_rows ON %s TO %I USING (%s) WITH CHECK (%s)', target, '${tenant_role}', own, own);
    EXECUTE format('CREATE POLICY operator_rows ON %s TO %I USING (true) WITH CHECK (true)', target, '${operator_role}');
END
$$;

CREATE TABLE tenant (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    tier       text NOT NULL CHECK (tier IN ('COMMUNITY', 'PARTNER', 'ENTERPRISE', 'INTERNAL')),
    -- Countries by ISO 3166-1 alpha-2, where a licence or a grant asks for them.
    domicile   text CHECK (domicile ~ '^[A-Z]{2}$'),
    principal_place text CHECK (principal_place ~ '^[A-Z]{2}$'),
    -- 32 random bytes, hex: salts the hashes of prompt prefixes, so that no tenant can probe another's cache.
    cache_salt text NOT NULL CHECK (cache_salt ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
CALL protect_rows('tenant', 'id');
GRANT SELECT ON tenant TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (name, tier, domicile, principal_place) ON tenant TO "${operator_role}";

CREATE TABLE project (
    tenant_id  text NOT NULL REFERENCES tenant,
    id         text NOT NULL CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CALL protect_rows('project');
GRANT SELECT ON project TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON project TO "${operator_role}";

CREATE TABLE member (
    tenant_id  text NOT NULL REFERENCES tenant,
    -- The subject (sub) of the person's OIDC tokens.
    subject    text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 255),
    role       text NOT NULL CHECK (role IN ('VIEWER', 'MEMBER', 'OWNER')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, subject)
);
CALL protect_rows('member');
GRANT SELECT ON member TO "${tenant_role}", "${operator_role}";
GRANT INSERT, DELETE, UPDATE (role) ON member TO "${operator_role}";

CREATE TABLE api_key (
    id         text PRIMARY KEY,
    tenant_id  text NOT NULL,
    project_id text NOT NULL,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    -- The public part of the key: shown in lists, and what it is looked up by.
    prefix     text NOT NULL UNIQUE CHECK (prefix ~ '^[0-9A-Za-z]{8}$'),
    -- HMAC-SHA256 over the whole key with the gateway's pepper; the key itself is stored nowhere.
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    role       text NOT NULL CHECK (role IN ('VIEWER', 'MEMBER', 'OWNER')),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    FOREIGN KEY (tenant_id, project_id) REFERENCES project
);
CREATE INDEX api_key_of_tenant ON api_key (tenant_id);
CALL protect_rows('api_key');
GRANT SELECT (id, tenant_id, project_id, name, prefix, role, created_at, revoked_at)
    ON api_key TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (revoked_at) ON api_key TO "${operator_role}";

-- The one thing app_auth may do: from a key's public prefix to what authenticates it and whom it speaks for. It runs as the
-- owner, whom forced row security binds, hence the owner's policies: they let it read these two tables and no others.
CREATE POLICY key_look_up ON api_key FOR SELECT TO "${owner_role}" USING (true);
CREATE POLICY key_look_up ON tenant FOR SELECT TO "${owner_role}" USING (true);
CREATE FUNCTION api_key_by_prefix(wanted text)
RETURNS TABLE (key_id text, tenant_id text, project_id text, role text, hash bytea, tier text, cache_salt text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    SELECT k.id, k.tenant_id, k.project_id, k.role, k.hash, t.tier, t.cache_salt
    FROM public.api_key k
    JOIN public.tenant t ON t.id = k.tenant_id
    WHERE k.prefix = wanted AND k.revoked_at IS NULL
$$;
GRANT EXECUTE ON FUNCTION api_key_by_prefix(text) TO "${auth_role}";
