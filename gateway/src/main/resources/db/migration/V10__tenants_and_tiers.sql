-- Tenants as legal entities in groups; tiers as effective-dated data; every move between tiers an event.

-- From before there were two more tiers; both had agreed limits far above the community's, so they go on as partners.
-- The owner is bound by forced row security and by the audit trigger: both are off for this one statement.
ALTER TABLE tenant DROP CONSTRAINT tenant_tier_check;
ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenant DISABLE TRIGGER audited;
UPDATE tenant SET tier = 'PARTNER' WHERE tier IN ('ENTERPRISE', 'INTERNAL');
ALTER TABLE tenant ENABLE TRIGGER audited;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
ALTER TABLE tenant ADD CONSTRAINT tenant_tier_check
    CHECK (tier IN ('EVALUATION', 'COMMUNITY', 'LICENSED', 'PARTNER', 'INTEGRATED_PRODUCT', 'SUSPENDED'));

-- Country of the register, then its number without spaces, dots, dashes and slashes: one spelling, so that links hold.
-- Several tenants may be one legal entity. Once known it stays: changing it would take a tenant out of its group.
ALTER TABLE tenant ADD COLUMN registration_number text CHECK (registration_number ~ '^[A-Z]{2}-[A-Z0-9]{2,40}$');
CREATE INDEX tenant_of_registration ON tenant (registration_number);
GRANT UPDATE (registration_number) ON tenant TO "${operator_role}";
CREATE FUNCTION keep_registration() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF OLD.registration_number IS NOT NULL AND NEW.registration_number IS DISTINCT FROM OLD.registration_number THEN
        RAISE EXCEPTION 'the registration number of % stays', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_registration BEFORE UPDATE ON tenant FOR EACH ROW EXECUTE FUNCTION keep_registration();

CREATE TABLE affiliate (
    id          text PRIMARY KEY,
    tenant_id   text NOT NULL REFERENCES tenant,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    registration_number text NOT NULL CHECK (registration_number ~ '^[A-Z]{2}-[A-Z0-9]{2,40}$'),
    declared_by text NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT now(),
    -- Taken out by two persons, for it may make a group's figure fall; the row stays.
    removed_at  timestamptz
);
CREATE UNIQUE INDEX affiliate_once ON affiliate (tenant_id, registration_number) WHERE removed_at IS NULL;
CREATE INDEX affiliate_of_registration ON affiliate (registration_number) WHERE removed_at IS NULL;
CALL protect_rows('affiliate');
CALL audit_changes('affiliate');
CALL licence_fact('affiliate');
GRANT SELECT ON affiliate TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (removed_at) ON affiliate TO "${operator_role}";

CREATE TABLE product (
    id         text PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenant,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    declared_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz
);
CREATE UNIQUE INDEX product_once ON product (tenant_id, name) WHERE ended_at IS NULL;
CALL protect_rows('product');
CALL audit_changes('product');
GRANT SELECT ON product TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (ended_at) ON product TO "${operator_role}";

-- The tenants of a tenant's group: reachable over registration numbers, own or declared as an affiliate's, in both directions.
-- A tenant's transaction may ask it about its own tenant; it gives ids alone. It runs as the owner, whom row security binds.
CREATE POLICY group_look_up ON affiliate FOR SELECT TO "${owner_role}" USING (true);
CREATE FUNCTION group_of(wanted text) RETURNS TABLE (member_tenant text, registration_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    WITH RECURSIVE reach (kind, node) AS (
        SELECT 'T', wanted
        UNION
        SELECT next.kind, next.node
        FROM reach, LATERAL (
            SELECT 'R' AS kind, t.registration_number AS node FROM public.tenant t
            WHERE reach.kind = 'T' AND t.id = reach.node AND t.registration_number IS NOT NULL
            UNION ALL
            SELECT 'R', a.registration_number FROM public.affiliate a
            WHERE reach.kind = 'T' AND a.tenant_id = reach.node AND a.removed_at IS NULL
            UNION ALL
            SELECT 'T', t.id FROM public.tenant t WHERE reach.kind = 'R' AND t.registration_number = reach.node
            UNION ALL
            SELECT 'T', a.tenant_id FROM public.affiliate a
            WHERE reach.kind = 'R' AND a.registration_number = reach.node AND a.removed_at IS NULL
        ) next
    )
    SELECT t.id, t.registration_number FROM reach JOIN public.tenant t ON reach.kind = 'T' AND t.id = reach.node ORDER BY 1
$$;
GRANT EXECUTE ON FUNCTION group_of(text) TO "${tenant_role}", "${operator_role}";

-- What a tier allows, from a day on. A change is a new row; the newest one that has begun is in force.
CREATE TABLE tier_plan (
    tier            text NOT NULL
        CHECK (tier IN ('EVALUATION', 'COMMUNITY', 'LICENSED', 'PARTNER', 'INTEGRATED_PRODUCT', 'SUSPENDED')),
    effective_from  timestamptz NOT NULL,
    -- As the licence engine names them. This is what the platform sells, not what a licence permits.
    uses            text[] NOT NULL,
    -- Catalog ids; null: every model.
    models          text[],
    requests_per_minute int NOT NULL CHECK (requests_per_minute > 0),
    tokens_per_minute bigint NOT NULL CHECK (tokens_per_minute > 0),
    concurrent      int NOT NULL CHECK (concurrent > 0),
    tokens_per_month bigint NOT NULL CHECK (tokens_per_month > 0),
    max_tokens      int NOT NULL CHECK (max_tokens > 0),
    default_max_tokens int NOT NULL CHECK (default_max_tokens BETWEEN 1 AND max_tokens),
    weight          int NOT NULL CHECK (weight > 0),
    batch           boolean NOT NULL,
    fine_tune       boolean NOT NULL,
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tier, effective_from)
);
INSERT INTO tier_plan (tier, effective_from, uses, requests_per_minute, tokens_per_minute, concurrent, tokens_per_month,
    max_tokens, default_max_tokens, weight, batch, fine_tune, recorded_by) VALUES
('EVALUATION', '2024-01-01Z', '{INFER}', 60, 40000, 4, 1000000, 1024, 512, 1, false, false, 'system:migration'),
('COMMUNITY', '2024-01-01Z', '{INFER}', 600, 400000, 64, 200000000, 4096, 1024, 1, true, false, 'system:migration'),
('LICENSED', '2024-01-01Z', '{INFER,DERIVE,PUBLISH,EXPORT_WEIGHTS}', 12000, 10000000, 1024, 100000000000, 32768, 4096, 8,
    true, true, 'system:migration'),
('PARTNER', '2024-01-01Z', '{INFER,DERIVE,IMPROVE_OTHER_MODEL,PUBLISH,EXPORT_WEIGHTS}', 60000, 10000000, 4096, 10000000000,
    131072, 2048, 4, true, true, 'system:migration'),
('INTEGRATED_PRODUCT', '2024-01-01Z', '{INFER}', 3000, 2000000, 256, 2000000000, 8192, 2048, 2, true, false,
    'system:migration'),
('SUSPENDED', '2024-01-01Z', '{}', 1, 1, 1, 1, 1, 1, 1, false, false, 'system:migration');
CALL audit_changes('tier_plan');
CALL licence_fact('tier_plan');
GRANT SELECT ON tier_plan TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON tier_plan TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tier_plan
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A wish to move a tenant for which two persons are needed: the record that an approval is about.
CREATE TABLE tier_proposal (
    id         text PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenant,
    from_tier  text NOT NULL,
    to_tier    text NOT NULL,
    -- For INTEGRATED_PRODUCT: the licences whose materials reach it only inside the product.
    licences   text[] NOT NULL,
    reason     text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 1000),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CALL protect_rows('tier_proposal');
CALL audit_changes('tier_proposal');
GRANT SELECT ON tier_proposal TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON tier_proposal TO "${operator_role}";

CREATE TABLE tier_event (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenant,
    from_tier  text NOT NULL,
    to_tier    text NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- OIDC subject or "system:..."; and the name for people.
    actor      text NOT NULL,
    actor_name text NOT NULL,
    reason     text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 1000),
    approval_id text REFERENCES approval
);
CREATE INDEX tier_event_of_tenant ON tier_event (tenant_id, seq);
CALL protect_rows('tier_event');
CALL audit_changes('tier_event');
GRANT SELECT ON tier_event TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON tier_event TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tier_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- No tier changes without its event, nor into the two tiers that need two persons without an approval.
CREATE FUNCTION tier_moves_are_recorded() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF NEW.tier IS DISTINCT FROM OLD.tier AND NOT EXISTS (
            SELECT FROM public.tier_event e
            WHERE e.seq = (SELECT max(seq) FROM public.tier_event WHERE tenant_id = NEW.id)
                AND e.from_tier = OLD.tier AND e.to_tier = NEW.tier
                AND ((NEW.tier <> 'INTEGRATED_PRODUCT' AND OLD.tier <> 'SUSPENDED') OR EXISTS (
                    SELECT FROM public.approval a WHERE a.id = e.approval_id AND a.tenant_id = NEW.id AND a.state = 'APPROVED'))) THEN
        RAISE EXCEPTION 'the move of % from % to % has no event, or not the approval of two persons', NEW.id, OLD.tier, NEW.tier
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER tier_moves_are_recorded BEFORE UPDATE ON tenant FOR EACH ROW EXECUTE FUNCTION tier_moves_are_recorded();

-- The licences whose materials reach a tenant only inside an integrated end-user product (clause 1.b.ii).
CREATE TABLE integrated_product (
    tenant_id   text NOT NULL REFERENCES tenant,
    licence     text NOT NULL,
    approval_id text NOT NULL REFERENCES approval,
    since       timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    PRIMARY KEY (tenant_id, licence, approval_id)
);
CALL protect_rows('integrated_product');
CALL audit_changes('integrated_product');
CALL licence_fact('integrated_product');
GRANT SELECT ON integrated_product TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (ended_at) ON integrated_product TO "${operator_role}";

-- Why the platform itself refused, apart from the licence's verdict; null where it did not. permitted is both together.
ALTER TABLE licence_decision ADD COLUMN policy jsonb;
