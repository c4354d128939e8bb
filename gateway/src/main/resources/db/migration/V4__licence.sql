-- Licence facts, the epoch that says whether a verdict still stands, and the decisions taken.

-- Incremented in the transaction of every change of a licence fact, by the triggers below, so no writer can forget it. The
-- row's lock puts such changes in line.
CREATE TABLE licence_epoch (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    epoch   bigint NOT NULL
);
INSERT INTO licence_epoch (epoch) VALUES (1);
GRANT SELECT ON licence_epoch TO "${tenant_role}", "${operator_role}";

CREATE FUNCTION licence_fact_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    UPDATE public.licence_epoch SET epoch = epoch + 1;
    RETURN NULL;
END
$$;
CREATE PROCEDURE licence_fact(target regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER licence_fact AFTER INSERT OR UPDATE OR DELETE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION licence_fact_changed()', target);
END
$$;
CALL licence_fact('tenant');
CALL licence_fact('model');

-- A named person's statement of a group's monthly active users for one licence version; the newest one counts. Rows are
-- never changed: a correction is a new attestation.
CREATE TABLE attestation (
    id          text PRIMARY KEY,
    seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    tenant_id   text NOT NULL REFERENCES tenant,
    licence     text NOT NULL,
    -- The calendar month that was counted, "2024-06".
    month       text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    signed_by   text NOT NULL CHECK (char_length(signed_by) BETWEEN 1 AND 200),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attestation_newest ON attestation (tenant_id, licence, seq DESC);
CALL protect_rows('attestation');
CALL audit_changes('attestation');
CALL licence_fact('attestation');
GRANT SELECT ON attestation TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON attestation TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON attestation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE attestation_item (
    attestation_id       text NOT NULL REFERENCES attestation,
    position             int NOT NULL,
    tenant_id            text NOT NULL REFERENCES tenant,
    kind                 text NOT NULL CHECK (kind IN ('PRODUCT', 'AFFILIATE')),
    name                 text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    monthly_active_users bigint NOT NULL CHECK (monthly_active_users >= 0),
    PRIMARY KEY (attestation_id, position)
);
CALL protect_rows('attestation_item');
CALL audit_changes('attestation_item');
CALL licence_fact('attestation_item');
GRANT SELECT ON attestation_item TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON attestation_item TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON attestation_item
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A licence version and its acceptable use policy, accepted by a named person for the tenant.
CREATE TABLE acceptance (
    tenant_id   text NOT NULL REFERENCES tenant,
    licence     text NOT NULL,
    accepted_by text NOT NULL CHECK (char_length(accepted_by) BETWEEN 1 AND 200),
    accepted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, licence)
);
CALL protect_rows('acceptance');
CALL audit_changes('acceptance');
CALL licence_fact('acceptance');
GRANT SELECT ON acceptance TO "${tenant_role}", "${operator_role}";
GRANT INSERT ON acceptance TO "${operator_role}";

-- Meta's express grant above clause 2's threshold, as an officer recorded it. The officer does not grant: the document does.
CREATE TABLE licence_grant (
    id              text PRIMARY KEY,
    tenant_id       text NOT NULL REFERENCES tenant,
    -- The licence versions it covers, by id.
    licences        text[] NOT NULL CHECK (cardinality(licences) > 0),
    -- The uses it covers, as the licence engine names them.
    uses            text[] NOT NULL CHECK (cardinality(uses) > 0),
    -- ISO 3166-1 alpha-2 codes of the countries it covers; empty: worldwide.
    territory       text[] NOT NULL,
    document        text NOT NULL,
    document_sha256 text NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    granted_on      date NOT NULL,
    -- The last day on which it holds; null: without end.
    last_day        date CHECK (last_day >= granted_on),
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);
CREATE INDEX licence_grant_of_tenant ON licence_grant (tenant_id);
CALL protect_rows('licence_grant');
CALL audit_changes('licence_grant');
CALL licence_fact('licence_grant');
GRANT SELECT ON licence_grant TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (revoked_at) ON licence_grant TO "${operator_role}";

-- A verdict when it was computed (not each time it was used), with all that it was computed from.
CREATE TABLE licence_decision (
    id         uuid PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenant,
    model      text NOT NULL,
    licence    text NOT NULL,
    use        text NOT NULL,
    permitted  boolean NOT NULL,
    -- The engine's request and its answer, JSON: enough to decide again.
    inputs     jsonb NOT NULL,
    verdict    jsonb NOT NULL,
    -- The licence epoch that was read before the facts were.
    epoch      bigint NOT NULL,
    decided_at timestamptz NOT NULL
);
CREATE INDEX licence_decision_of_tenant ON licence_decision (tenant_id, decided_at);
CALL protect_rows('licence_decision');
GRANT SELECT, INSERT ON licence_decision TO "${tenant_role}";
GRANT SELECT ON licence_decision TO "${operator_role}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON licence_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
