-- What the platform serves, and which gateway holds which partition of the replies.

CREATE TABLE model (
    -- What clients call it, and its directory in the model store.
    id             text PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 200),
    pool           text NOT NULL CHECK (pool ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    -- The licence's id as the licence engine knows it, e.g. "llama-3.1".
    licence        text NOT NULL,
    base_model     text REFERENCES model,
    context_length int NOT NULL CHECK (context_length > 0),
    vocab_size     int NOT NULL CHECK (vocab_size > 0),
    weights_sha256 text NOT NULL CHECK (weights_sha256 ~ '^[0-9a-f]{64}$'),
    -- The tenant that alone may use it; null: the platform's, for everyone.
    owner_tenant   text REFERENCES tenant,
    created_at     timestamptz NOT NULL DEFAULT now(),
    state          text NOT NULL CHECK (state IN ('ready', 'withdrawn'))
);
ALTER TABLE model ENABLE ROW LEVEL SECURITY;
ALTER TABLE model FORCE ROW LEVEL SECURITY;
CREATE POLICY visible_rows ON model FOR SELECT TO "${tenant_role}"
    USING (owner_tenant IS NULL OR owner_tenant = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY operator_rows ON model TO "${operator_role}" USING (true) WITH CHECK (true);
GRANT SELECT ON model TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE (state) ON model TO "${operator_role}";
CALL audit_changes('model');

-- A partition of `replies` and `notices`, held by one gateway process until it lets the lease run out. The nonce is new at
-- each taking, so that what a worker still sends to the holder before is recognised and dropped. Nothing of a tenant's.
CREATE TABLE reply_lease (
    partition  int PRIMARY KEY CHECK (partition >= 0),
    nonce      bigint NOT NULL,
    holder     uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON reply_lease TO "${tenant_role}";
