-- Whether somebody of the platform has checked that a tenant is the legal entity whose number it states, and that an affiliate
-- is one. What a tenant states of itself counts against itself at once; against others only when it is confirmed.

ALTER TABLE tenant
    -- OIDC subject, or "system:..."
    ADD COLUMN registration_confirmed_by text,
    ADD COLUMN registration_confirmed_at timestamptz,
    ADD CONSTRAINT registration_confirmed CHECK ((registration_confirmed_by IS NULL) = (registration_confirmed_at IS NULL)
        AND (registration_confirmed_at IS NULL OR registration_number IS NOT NULL));
ALTER TABLE affiliate
    ADD COLUMN confirmed_by text,
    ADD COLUMN confirmed_at timestamptz,
    ADD CONSTRAINT affiliate_confirmed CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL));

-- What was there: the operator's own word is confirmed; what came by sign-up or from a tenant's owner is not.
-- The owner is bound by forced row security and by the audit trigger: both are off for these statements.
ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY;
ALTER TABLE affiliate NO FORCE ROW LEVEL SECURITY;
ALTER TABLE member NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenant DISABLE TRIGGER audited;
ALTER TABLE affiliate DISABLE TRIGGER audited;
UPDATE tenant t SET registration_confirmed_by = 'system:migration', registration_confirmed_at = clock_timestamp()
WHERE registration_number IS NOT NULL
    AND NOT EXISTS (SELECT FROM audit_log l WHERE l.tenant_id = t.id AND l.action = 'tenant.sign_up');
UPDATE affiliate a SET confirmed_by = 'system:migration', confirmed_at = clock_timestamp()
WHERE NOT EXISTS (SELECT FROM member m WHERE m.tenant_id = a.tenant_id AND m.subject = a.declared_by);
ALTER TABLE tenant ENABLE TRIGGER audited;
ALTER TABLE affiliate ENABLE TRIGGER audited;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
ALTER TABLE affiliate FORCE ROW LEVEL SECURITY;
ALTER TABLE member FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
GRANT UPDATE (registration_confirmed_by, registration_confirmed_at) ON tenant TO "${operator_role}";
GRANT UPDATE (confirmed_by, confirmed_at) ON affiliate TO "${operator_role}";

-- Nobody confirms for a tenant that he is a member of, and what is confirmed stays so.
CREATE FUNCTION registration_is_confirmed_from_outside() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    tenant text := CASE TG_TABLE_NAME WHEN 'tenant' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'tenant_id' END;
    field text := CASE TG_TABLE_NAME WHEN 'tenant' THEN 'registration_confirmed_by' ELSE 'confirmed_by' END;
    before text := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ->> field END;
    after text := to_jsonb(NEW) ->> field;
BEGIN
    IF before IS NOT NULL AND after IS DISTINCT FROM before THEN
        RAISE EXCEPTION 'what was confirmed of % stays confirmed', tenant USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF after IS NOT NULL AND before IS NULL AND EXISTS (
            SELECT FROM public.member m WHERE m.tenant_id = tenant AND m.subject = after) THEN
        RAISE EXCEPTION '% is a member of % and cannot confirm its legal entity', after, tenant
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER confirmed_from_outside BEFORE INSERT OR UPDATE ON tenant
    FOR EACH ROW EXECUTE FUNCTION registration_is_confirmed_from_outside();
CREATE TRIGGER confirmed_from_outside BEFORE INSERT OR UPDATE ON affiliate
    FOR EACH ROW EXECUTE FUNCTION registration_is_confirmed_from_outside();

-- Tenants that registration numbers connect with a tenant, itself among them: from a tenant to the numbers that it states for
-- itself and its affiliates, and from a number to the tenants that state it. Either way may be taken for confirmed ones alone.
CREATE FUNCTION connected(wanted text, stated_if_confirmed boolean, stating_if_confirmed boolean)
RETURNS TABLE (member_tenant text, registration_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    WITH RECURSIVE reach (kind, node) AS (
        SELECT 'T', wanted
        UNION
        SELECT next.kind, next.node
        FROM reach, LATERAL (
            SELECT 'R' AS kind, t.registration_number AS node FROM public.tenant t
            WHERE reach.kind = 'T' AND t.id = reach.node AND t.registration_number IS NOT NULL
                AND (NOT stated_if_confirmed OR t.registration_confirmed_at IS NOT NULL)
            UNION ALL
            SELECT 'R', a.registration_number FROM public.affiliate a
            WHERE reach.kind = 'T' AND a.tenant_id = reach.node AND a.removed_at IS NULL
                AND (NOT stated_if_confirmed OR a.confirmed_at IS NOT NULL)
            UNION ALL
            SELECT 'T', t.id FROM public.tenant t WHERE reach.kind = 'R' AND t.registration_number = reach.node
                AND (NOT stating_if_confirmed OR t.registration_confirmed_at IS NOT NULL)
            UNION ALL
            SELECT 'T', a.tenant_id FROM public.affiliate a
            WHERE reach.kind = 'R' AND a.registration_number = reach.node AND a.removed_at IS NULL
                AND (NOT stating_if_confirmed OR a.confirmed_at IS NOT NULL)
        ) next
    )
    SELECT t.id, t.registration_number FROM reach JOIN public.tenant t ON reach.kind = 'T' AND t.id = reach.node ORDER BY 1
$$;

-- The tenants whose figures count for a tenant: what it states itself binds it, who states its number must be confirmed. So a
-- stranger who states somebody's number is bound by that group and does not bind it.
CREATE OR REPLACE FUNCTION group_of(wanted text) RETURNS TABLE (member_tenant text, registration_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$ SELECT member_tenant, registration_number FROM public.connected(wanted, false, true) $$;

-- The other way round: the tenants for which a tenant's figures count.
CREATE FUNCTION bound_by(wanted text) RETURNS TABLE (member_tenant text, registration_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$ SELECT member_tenant, registration_number FROM public.connected(wanted, true, false) $$;

-- All that state to be of a tenant's group, confirmed or not.
CREATE FUNCTION stated_group_of(wanted text) RETURNS TABLE (member_tenant text, registration_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$ SELECT member_tenant, registration_number FROM public.connected(wanted, false, false) $$;
GRANT EXECUTE ON FUNCTION bound_by(text), stated_group_of(text) TO "${operator_role}";
