-- Corrections of the ledger are new entries: the difference between what was billed and what is right, with its costs, under the
-- job's next line. The operator writes them, each with its audit row, and nothing else of the ledger.

CREATE POLICY corrections_alone ON ledger_entry AS RESTRICTIVE FOR INSERT TO "${operator_role}" WITH CHECK (line > 0);
CREATE POLICY corrections_alone ON cost_line AS RESTRICTIVE FOR INSERT TO "${operator_role}" WITH CHECK (line > 0);
GRANT INSERT ON ledger_entry, cost_line TO "${operator_role}";
GRANT INSERT, UPDATE ON usage_hour, usage_day TO "${operator_role}";
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.line > 0) EXECUTE FUNCTION require_audit();
