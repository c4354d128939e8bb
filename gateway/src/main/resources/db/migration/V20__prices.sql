-- The price book: what a model's tokens cost, from an instant on. A change is a new row; the past stays as it was charged.

CREATE TABLE price (
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Whose price it is; null: the list price, of everyone who has none of its own.
    tenant_id       text REFERENCES tenant,
    -- Catalog id; '*' is the list price of models that have none of their own, so that every job has a price.
    model           text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 200),
    effective_from  timestamptz NOT NULL,
    -- When a tenant's own price ends and the list price holds again; null: never.
    effective_until timestamptz CHECK (effective_until > effective_from),
    -- US dollars a million tokens. The upper bound also keeps NaN out.
    prompt          numeric(18, 6) NOT NULL CHECK (prompt BETWEEN 0 AND 1000000),
    cached_prompt   numeric(18, 6) NOT NULL CHECK (cached_prompt BETWEEN 0 AND 1000000),
    completion      numeric(18, 6) NOT NULL CHECK (completion BETWEEN 0 AND 1000000),
    -- On top, for every token read or written through an adapter.
    adapter_premium numeric(18, 6) NOT NULL CHECK (adapter_premium BETWEEN 0 AND 1000000),
    training        numeric(18, 6) NOT NULL CHECK (training BETWEEN 0 AND 1000000),
    -- The share of a batch job's price that is let off.
    batch_discount  numeric(5, 4) NOT NULL CHECK (batch_discount BETWEEN 0 AND 1),
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (tenant_id, model, effective_from),
    -- What is reserved without knowing how much is cached is enough.
    CONSTRAINT cached_is_not_dearer CHECK (cached_prompt <= prompt),
    CONSTRAINT list_prices_do_not_end CHECK (tenant_id IS NOT NULL OR effective_until IS NULL),
    CONSTRAINT own_prices_name_a_model CHECK (tenant_id IS NULL OR model <> '*')
);
ALTER TABLE price ENABLE ROW LEVEL SECURITY;
ALTER TABLE price FORCE ROW LEVEL SECURITY;
CREATE POLICY visible_rows ON price FOR SELECT TO "${tenant_role}"
    USING (tenant_id IS NULL OR tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY operator_rows ON price TO "${operator_role}" USING (true) WITH CHECK (true);
CREATE POLICY ledger_reads ON price FOR SELECT TO "${ledger_role}" USING (true);
CREATE POLICY seed ON price FOR INSERT TO "${owner_role}" WITH CHECK (true);
GRANT SELECT ON price TO "${tenant_role}", "${operator_role}", "${ledger_role}";
GRANT INSERT ON price TO "${operator_role}";

INSERT INTO price (model, effective_from, prompt, cached_prompt, completion, adapter_premium, training, batch_discount,
    recorded_by)
VALUES ('*', '2024-01-01Z', 0.20, 0.10, 0.60, 0.10, 4.00, 0.50, 'system:migration');
DROP POLICY seed ON price;

CALL audit_changes('price');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A price begins at least a minute after it is known. So a job is never charged by a price that some gateway could not have
-- read yet, and charging it again later finds the same price.
CREATE FUNCTION price_is_ahead() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    IF NEW.effective_from < clock_timestamp() + interval '1 minute' THEN
        RAISE EXCEPTION 'a price from % is not a minute ahead', NEW.effective_from USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER price_is_ahead BEFORE INSERT ON price FOR EACH ROW EXECUTE FUNCTION price_is_ahead();
