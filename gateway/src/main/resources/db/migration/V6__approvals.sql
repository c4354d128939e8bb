-- What two persons must agree to before it holds, and which tenants a person is a member of.

-- A proposal about one record of a tenant. It is bound to the record's content: who approves says which content, and an edit
-- of the record voids the proposal. Persons are subjects (sub) of OIDC tokens.
CREATE TABLE approval (
    id           text PRIMARY KEY,
    tenant_id    text NOT NULL REFERENCES tenant,
    -- What is proposed, e.g. "LICENCE_GRANT"; who handles the kind knows what follows from it.
    kind         text NOT NULL CHECK (kind ~ '^[A-Z][A-Z_]{2,49}$'),
    -- The record's id.
    subject_id   text NOT NULL CHECK (subject_id <> ''),
    summary      text NOT NULL CHECK (char_length(summary) BETWEEN 1 AND 1000),
    content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    -- Everyone who wrote some of the content; none of them may approve it.
    editors      text[] NOT NULL CHECK (cardinality(editors) > 0),
    proposed_by  text NOT NULL CHECK (proposed_by <> ''),
    proposed_by_name text NOT NULL,
    proposed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    state        text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'APPROVED', 'REJECTED', 'VOIDED')),
    closed_by    text,
    closed_by_name text,
    closed_at    timestamptz,
    reason       text CHECK (char_length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT closed_by_somebody CHECK ((state = 'OPEN') = (closed_by IS NULL) AND (closed_by IS NULL) = (closed_at IS NULL)),
    CONSTRAINT two_persons CHECK (state <> 'APPROVED' OR (closed_by <> proposed_by AND NOT closed_by = ANY (editors))),
    CONSTRAINT rejection_has_a_reason CHECK (state <> 'REJECTED' OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX approval_one_open ON approval (kind, subject_id) WHERE state = 'OPEN';
CREATE INDEX approval_of_tenant ON approval (tenant_id, proposed_at);
CALL protect_rows('approval');
CALL audit_changes('approval');
GRANT SELECT ON approval TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (state, closed_by, closed_by_name, closed_at, reason) ON approval TO "${operator_role}";

-- The constraint above keeps the two apart from each other; this keeps both apart from the tenant, and the past as it was.
CREATE FUNCTION approval_rules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'OPEN' THEN
        RAISE EXCEPTION 'approval % is closed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' AND NEW.state <> 'OPEN' THEN
        RAISE EXCEPTION 'approval % does not begin open', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state IN ('OPEN', 'APPROVED') AND EXISTS (
            SELECT FROM public.member m
            WHERE m.tenant_id = NEW.tenant_id AND m.subject IN (NEW.proposed_by, NEW.closed_by)) THEN
        RAISE EXCEPTION 'a member of the tenant % neither proposes nor approves about it', NEW.tenant_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER approval_rules BEFORE INSERT OR UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION approval_rules();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON approval FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Runs as the owner, whom forced row security binds, hence the owner's policy.
CREATE POLICY membership_look_up ON member FOR SELECT TO "${owner_role}" USING (true);
CREATE FUNCTION memberships_of(wanted text) RETURNS TABLE (tenant_id text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$ SELECT m.tenant_id, m.role FROM public.member m WHERE m.subject = wanted ORDER BY 1 $$;
GRANT EXECUTE ON FUNCTION memberships_of(text) TO "${auth_role}";
