-- The gateway processes that live, each by a row that it renews about once a second. Of one that was not heard of for long the others
-- tell the scheduler, which cancels the jobs whose clients were connected to it.
CREATE TABLE gateway_process (
    id      uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_process TO "${tenant_role}";
