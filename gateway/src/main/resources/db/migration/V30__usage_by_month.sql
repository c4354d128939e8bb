-- Sums by the month of the submit time (UTC), beside those by hour and day: an invoice, or what a dashboard shows first, reads a
-- row a project, key and model instead of thirty. The rows of the present hour, day and month change with every posting: room
-- beside each keeps its new version in its page, and the index as it is.
ALTER TABLE usage_hour SET (fillfactor = 70);
ALTER TABLE usage_day SET (fillfactor = 70);
CREATE TABLE usage_month (LIKE usage_day INCLUDING ALL) WITH (fillfactor = 50);
CALL protect_rows('usage_month');
CREATE POLICY ledger_rows ON usage_month TO "${ledger_role}" USING (true) WITH CHECK (true);
GRANT SELECT ON usage_month TO "${tenant_role}", "${operator_role}";
GRANT SELECT, INSERT, UPDATE ON usage_month TO "${ledger_role}";
-- For corrections.
GRANT INSERT, UPDATE ON usage_month TO "${operator_role}";

-- What was posted before. The owner is bound by forced row security, which is off for this.
ALTER TABLE usage_day NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_month NO FORCE ROW LEVEL SECURITY;
INSERT INTO usage_month (tenant_id, start_at, project_id, api_key_id, model, requests, failed, prompt_tokens, cached_tokens,
    completion_tokens, cost)
SELECT tenant_id, date_trunc('month', start_at, 'UTC'), project_id, api_key_id, model, sum(requests), sum(failed),
    sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
FROM usage_day GROUP BY 1, 2, 3, 4, 5;
ALTER TABLE usage_day FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_month FORCE ROW LEVEL SECURITY;
