-- Licence facts with their states: documents, attestations, Meta's grants, requests for one, the ends of licences.

-- What was uploaded as evidence. Served as an attachment; its hash is what records and approvals speak of.
CREATE TABLE document (
    id          text PRIMARY KEY,
    tenant_id   text NOT NULL REFERENCES tenant,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    media_type  text NOT NULL CHECK (char_length(media_type) BETWEEN 3 AND 100),
    content     bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 4194304),
    sha256      text NOT NULL CHECK (sha256 = encode(sha256(content), 'hex')),
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX document_of_tenant ON document (tenant_id, uploaded_at);
CALL protect_rows('document');
CALL audit_changes('document');
GRANT SELECT ON document TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON document TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Attestations become records with a life. Those from before counted at once: the newest of each tenant and licence goes on to.
DROP TRIGGER append_only ON attestation;
DROP TRIGGER append_only ON attestation_item;
ALTER TABLE attestation
    ADD COLUMN state text NOT NULL DEFAULT 'ACCEPTED'
        CHECK (state IN ('DRAFT', 'SUBMITTED', 'ACCEPTED', 'SUPERSEDED', 'REJECTED')),
    ADD COLUMN document_id text REFERENCES document,
    -- Subjects of everyone who wrote some of it.
    ADD COLUMN editors text[] NOT NULL DEFAULT '{}',
    ADD COLUMN corrects text REFERENCES attestation,
    -- Why two persons are needed; empty where they are not.
    ADD COLUMN doubts text[] NOT NULL DEFAULT '{}',
    ADD COLUMN submitted_at timestamptz,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN approval_id text REFERENCES approval,
    ADD COLUMN closing_reason text CHECK (char_length(closing_reason) BETWEEN 1 AND 1000);
ALTER TABLE attestation_item
    ADD COLUMN registration_number text CHECK (registration_number ~ '^[A-Z]{2}-[A-Z0-9]{2,40}$'),
    ADD CONSTRAINT products_have_no_register CHECK (kind = 'AFFILIATE' OR registration_number IS NULL);
ALTER TABLE attestation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE attestation DISABLE TRIGGER audited;
UPDATE attestation a SET submitted_at = recorded_at, closed_at = recorded_at, editors = ARRAY[recorded_by],
    state = CASE WHEN a.seq = (SELECT max(seq) FROM attestation n WHERE n.tenant_id = a.tenant_id AND n.licence = a.licence)
        THEN 'ACCEPTED' ELSE 'SUPERSEDED' END;
ALTER TABLE attestation ENABLE TRIGGER audited;
ALTER TABLE attestation FORCE ROW LEVEL SECURITY;
ALTER TABLE attestation ALTER COLUMN state SET DEFAULT 'DRAFT', ALTER COLUMN editors DROP DEFAULT,
    ADD CONSTRAINT edited_by_somebody CHECK (cardinality(editors) > 0);
CREATE UNIQUE INDEX attestation_accepted ON attestation (tenant_id, licence) WHERE state = 'ACCEPTED';
GRANT UPDATE (state, month, signed_by, document_id, editors, doubts, submitted_at, closed_at, approval_id, closing_reason)
    ON attestation TO "${operator_role}";
GRANT DELETE ON attestation_item TO "${operator_role}";

-- States go forward, save that an edit takes a submitted record back; content changes in a draft alone; doubts are lifted by two.
CREATE FUNCTION attestation_rules() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.state <> 'DRAFT' THEN
        RAISE EXCEPTION 'attestation % does not begin as a draft', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (('DRAFT', 'SUBMITTED'), ('SUBMITTED', 'DRAFT'),
                ('SUBMITTED', 'ACCEPTED'), ('SUBMITTED', 'REJECTED'), ('ACCEPTED', 'SUPERSEDED')) THEN
            RAISE EXCEPTION 'attestation % does not go from % to %', NEW.id, OLD.state, NEW.state
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF (NEW.month, NEW.signed_by, NEW.document_id, NEW.editors) IS DISTINCT FROM
                (OLD.month, OLD.signed_by, OLD.document_id, OLD.editors) AND (OLD.state, NEW.state) <> ('DRAFT', 'DRAFT') THEN
            RAISE EXCEPTION 'attestation % is no draft', NEW.id USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF NEW.state = 'ACCEPTED' AND cardinality(NEW.doubts) > 0 AND NOT EXISTS (
            SELECT FROM public.approval a WHERE a.id = NEW.approval_id AND a.tenant_id = NEW.tenant_id
                AND a.subject_id = NEW.id AND a.kind = 'ATTESTATION' AND a.state = 'APPROVED') THEN
        RAISE EXCEPTION 'attestation % lacks the approval of two persons', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attestation_rules BEFORE INSERT OR UPDATE ON attestation FOR EACH ROW EXECUTE FUNCTION attestation_rules();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON attestation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION attestation_item_rules() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    line public.attestation_item := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF NOT EXISTS (SELECT FROM public.attestation a
            WHERE a.id = line.attestation_id AND a.tenant_id = line.tenant_id AND a.state = 'DRAFT') THEN
        RAISE EXCEPTION 'attestation % is no draft', line.attestation_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN line;
END
$$;
CREATE TRIGGER attestation_item_rules BEFORE INSERT OR UPDATE OR DELETE ON attestation_item
    FOR EACH ROW EXECUTE FUNCTION attestation_item_rules();
CREATE POLICY group_look_up ON attestation FOR SELECT TO "${owner_role}" USING (true);
CREATE POLICY group_look_up ON attestation_item FOR SELECT TO "${owner_role}" USING (true);

-- The lines of the accepted attestations of a tenant's whole group, for one licence or, with null, all. It runs as the owner; a
-- tenant's transaction computes the group's one figure from it and shows no line of another.
CREATE FUNCTION group_lines(wanted text, wanted_licence text)
RETURNS TABLE (licence text, month text, at timestamptz, member text, member_registration text, kind text, name text,
    registration_number text, monthly_active_users bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    SELECT a.licence, a.month, a.closed_at, g.member_tenant, g.registration_number, i.kind, i.name, i.registration_number,
        i.monthly_active_users
    FROM public.group_of(wanted) g
    JOIN public.attestation a ON a.tenant_id = g.member_tenant AND a.state = 'ACCEPTED'
        AND (wanted_licence IS NULL OR a.licence = wanted_licence)
    JOIN public.attestation_item i ON i.attestation_id = a.id
    ORDER BY a.seq, i.position
$$;
GRANT EXECUTE ON FUNCTION group_lines(text, text) TO "${tenant_role}", "${operator_role}";

-- Grants as records that two persons agree on. One officer alone recorded those from before: they wait for a second one.
ALTER TABLE licence_grant
    ADD COLUMN state text NOT NULL DEFAULT 'RECORDED'
        CHECK (state IN ('RECORDED', 'APPROVED', 'REJECTED', 'REVOKED', 'EXPIRED')),
    ADD COLUMN document_id text REFERENCES document,
    ADD COLUMN editors text[] NOT NULL DEFAULT '{}',
    ADD COLUMN approval_id text REFERENCES approval,
    ADD COLUMN closing_reason text CHECK (char_length(closing_reason) BETWEEN 1 AND 1000);
GRANT UPDATE (state, licences, uses, territory, document, document_sha256, document_id, granted_on, last_day, editors,
    approval_id, closing_reason) ON licence_grant TO "${operator_role}";
CREATE FUNCTION grant_rules() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.state <> 'RECORDED' THEN
        RAISE EXCEPTION 'grant % does not begin as recorded', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (('RECORDED', 'APPROVED'), ('RECORDED', 'REJECTED'),
                ('RECORDED', 'REVOKED'), ('APPROVED', 'REVOKED'), ('APPROVED', 'EXPIRED')) THEN
            RAISE EXCEPTION 'grant % does not go from % to %', NEW.id, OLD.state, NEW.state
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF (NEW.licences, NEW.uses, NEW.territory, NEW.document, NEW.document_sha256, NEW.document_id, NEW.granted_on,
                NEW.last_day, NEW.editors) IS DISTINCT FROM
                (OLD.licences, OLD.uses, OLD.territory, OLD.document, OLD.document_sha256, OLD.document_id, OLD.granted_on,
                OLD.last_day, OLD.editors) AND (OLD.state, NEW.state) <> ('RECORDED', 'RECORDED') THEN
            RAISE EXCEPTION 'grant % was decided about', NEW.id USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF NEW.state = 'APPROVED' AND NOT EXISTS (
            SELECT FROM public.approval a WHERE a.id = NEW.approval_id AND a.tenant_id = NEW.tenant_id
                AND a.subject_id = NEW.id AND a.kind = 'LICENCE_GRANT' AND a.state = 'APPROVED') THEN
        RAISE EXCEPTION 'grant % lacks the approval of two persons', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER grant_rules BEFORE INSERT OR UPDATE ON licence_grant FOR EACH ROW EXECUTE FUNCTION grant_rules();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON licence_grant FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Above the threshold the licensee must ask Meta: a request opens by itself, and all rights are withheld until Meta grants.
CREATE TABLE licence_request (
    id         text PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenant,
    licence    text NOT NULL,
    -- The group's figure when it opened.
    monthly_active_users bigint NOT NULL,
    state      text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'GRANTED', 'REFUSED', 'CLOSED')),
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at  timestamptz,
    closed_by  text,
    reason     text CHECK (char_length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT closed_by_somebody CHECK ((state = 'OPEN') = (closed_at IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL))
);
CREATE UNIQUE INDEX licence_request_one_open ON licence_request (tenant_id, licence) WHERE state = 'OPEN';
CALL protect_rows('licence_request');
CALL audit_changes('licence_request');
GRANT SELECT ON licence_request TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (state, closed_at, closed_by, reason) ON licence_request TO "${operator_role}";

-- Clause 5.c: a claim that the materials or outputs infringe ends the licence on the filing date. And ends for other reasons.
CREATE TABLE litigation (
    id          text PRIMARY KEY,
    tenant_id   text NOT NULL REFERENCES tenant,
    licence     text NOT NULL,
    filed_on    date NOT NULL,
    reference   text NOT NULL CHECK (char_length(reference) BETWEEN 1 AND 200),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CALL protect_rows('litigation');
CALL audit_changes('litigation');
CALL licence_fact('litigation');
GRANT SELECT ON litigation TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON litigation TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON litigation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE termination (
    id          text PRIMARY KEY,
    tenant_id   text NOT NULL REFERENCES tenant,
    licence     text NOT NULL,
    ended_at    timestamptz NOT NULL,
    cause       text NOT NULL CHECK (char_length(cause) BETWEEN 1 AND 900),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reinstated_at timestamptz CHECK (reinstated_at >= ended_at),
    approval_id text REFERENCES approval,
    CONSTRAINT reinstated_by_two CHECK ((reinstated_at IS NULL) = (approval_id IS NULL))
);
CALL protect_rows('termination');
CALL audit_changes('termination');
CALL licence_fact('termination');
GRANT SELECT ON termination TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (reinstated_at, approval_id) ON termination TO "${operator_role}";
CREATE FUNCTION termination_rules() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF OLD.reinstated_at IS NOT NULL OR NEW.reinstated_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM public.approval a WHERE a.id = NEW.approval_id AND a.tenant_id = NEW.tenant_id
                AND a.subject_id = NEW.id AND a.kind = 'LICENCE_REINSTATEMENT' AND a.state = 'APPROVED') THEN
        RAISE EXCEPTION 'termination % lacks the approval of two persons', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER termination_rules BEFORE UPDATE ON termination FOR EACH ROW EXECUTE FUNCTION termination_rules();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON termination FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
