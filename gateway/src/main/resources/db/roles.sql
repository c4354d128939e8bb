-- The platform's login roles, run once (and again at will: it is idempotent) by whoever owns the server, as a superuser or
-- a role with CREATEROLE. Plain SQL: replace each placeholder by its value and send the file as it is.
--
--   role                ${owner.username}      ${owner.password}      runs migrations, owns the tables; the gateway never serves with it
--                       ${tenant.username}     ${tenant.password}     serves requests, sees the rows of one tenant a transaction
--                       ${auth.username}       ${auth.password}       may call one function: the API key look-up
--                       ${ledger.username}     ${ledger.password}     writes the usage tables and sees nothing else
--                       ${operator.username}   ${operator.password}   the admin API: every change leaves an audit row
--
-- Usual names: altiplano_owner, app_tenant, app_auth, app_ledger, app_operator. Passwords must hold no quote and no backslash.
-- Then create the database: CREATE DATABASE altiplano OWNER altiplano_owner ENCODING 'UTF8' TEMPLATE template0;
-- the gateway's first migration takes CONNECT away from PUBLIC.

DO $roles$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('${owner.username}', '${owner.password}'),
            ('${tenant.username}', '${tenant.password}'),
            ('${auth.username}', '${auth.password}'),
            ('${ledger.username}', '${ledger.password}'),
            ('${operator.username}', '${operator.password}')) AS r (name, password)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I', wanted.name);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD %L', wanted.name, wanted.password);
    END LOOP;
END
$roles$;
