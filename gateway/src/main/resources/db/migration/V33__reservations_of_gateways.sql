-- A reservation names the gateway process whose client waits for the answer, so that what a dead one had reserved and never sent need not
-- be held for all of its term. Of a request that any gateway may send it names none; neither does one that an earlier version took.
ALTER TABLE reservation ADD COLUMN gateway uuid;

-- As before, but an ask has a gateway too, or none.
CREATE OR REPLACE FUNCTION admit(asks jsonb, given_at timestamptz, term interval)
RETURNS TABLE (nr int, admitted boolean, answer bigint, decided_at timestamptz,
    tenant_rpm bigint, tenant_requests_until timestamptz, tenant_tpm bigint, tenant_tokens_until timestamptz,
    project_rpm bigint, project_requests_until timestamptz, project_tpm bigint, project_tokens_until timestamptz,
    tenant_concurrent bigint, project_concurrent bigint, of_tenant jsonb, of_project jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    at timestamptz := coalesce(given_at, clock_timestamp());
    ask record;
    tenant_limits public.limit_set;
    project_limits public.limit_set;
    tenant_use public.limit_use;
    project_use public.limit_use;
    place int;
    need bigint;
    cost numeric;
BEGIN
    FOR ask IN
        SELECT * FROM jsonb_to_recordset(asks) AS a (nr int, tenant text, project text, jobs uuid[], plan public.limit_set,
            prompt bigint, answer bigint, shrink boolean, at_least bigint, prompt_price numeric, answer_price numeric, gateway uuid)
        ORDER BY a.tenant, a.project, a.nr
    LOOP
        PERFORM set_config('app.tenant', ask.tenant, true);
        tenant_limits := public.limits_of(ask.tenant, '', ask.plan);
        project_limits := public.limits_of(ask.tenant, ask.project, NULL);
        place := coalesce(cardinality(ask.jobs), 0);
        answer := ask.answer;
        admitted := false;
        FOR attempt IN 1..2 LOOP
            need := ask.prompt + place * answer;
            cost := ask.prompt * ask.prompt_price + place * answer * ask.answer_price;
            tenant_use := public.take_of_scope(ask.tenant, '', tenant_limits, at, place, need, cost);
            IF tenant_use.tenant_id IS NOT NULL THEN
                project_use := public.take_of_scope(ask.tenant, ask.project, project_limits, at, place, need, cost);
                admitted := project_use.tenant_id IS NOT NULL;
                EXIT WHEN admitted;
                UPDATE public.limit_use u SET
                    running = u.running - place,
                    requests_until = u.requests_until - public.rate_share(1, tenant_limits.requests_per_minute),
                    tokens_until = u.tokens_until - public.rate_share(need, tenant_limits.tokens_per_minute),
                    day_held = u.day_held - need,
                    month_held = u.month_held - need,
                    spent_held = u.spent_held - cost
                WHERE u.tenant_id = ask.tenant AND u.project_id = '';
            END IF;
            -- The tenant's row is locked first, as everywhere.
            SELECT u.* INTO tenant_use FROM public.limit_use u
                WHERE u.tenant_id = ask.tenant AND u.project_id = '' FOR UPDATE;
            SELECT u.* INTO project_use FROM public.limit_use u
                WHERE u.tenant_id = ask.tenant AND u.project_id = ask.project FOR UPDATE;
            EXIT WHEN NOT ask.shrink OR attempt = 2;
            answer := least(
                public.affordable_tokens(
                    tenant_use, tenant_limits, at, ask.prompt, place, ask.prompt_price, ask.answer_price, ask.answer),
                public.affordable_tokens(
                    project_use, project_limits, at, ask.prompt, place, ask.prompt_price, ask.answer_price, ask.answer));
            EXIT WHEN answer >= ask.answer OR answer < greatest(ask.at_least, 1);
        END LOOP;
        IF admitted AND place > 0 THEN
            INSERT INTO public.reservation (job_id, tenant_id, project_id, admitted_at, expires_at, day, month, tokens, price,
                tenant_rate, project_rate, gateway)
            SELECT j.job_id, ask.tenant, ask.project, at, at + term, tenant_use.day, tenant_use.month, j.tokens, j.price,
                public.rate_share(j.tokens, tenant_limits.tokens_per_minute),
                public.rate_share(j.tokens, project_limits.tokens_per_minute), ask.gateway
            FROM (SELECT x.job_id, answer + CASE WHEN x.choice = 1 THEN ask.prompt ELSE 0 END AS tokens,
                    answer * ask.answer_price + CASE WHEN x.choice = 1 THEN ask.prompt * ask.prompt_price ELSE 0 END AS price
                FROM unnest(ask.jobs) WITH ORDINALITY AS x (job_id, choice)) j;
        END IF;
        nr := ask.nr;
        decided_at := at;
        tenant_rpm := tenant_limits.requests_per_minute;
        tenant_requests_until := public.rate_from(tenant_use.requests_until, at);
        tenant_tpm := tenant_limits.tokens_per_minute;
        tenant_tokens_until := public.rate_from(tenant_use.tokens_until, at);
        project_rpm := project_limits.requests_per_minute;
        project_requests_until := public.rate_from(project_use.requests_until, at);
        project_tpm := project_limits.tokens_per_minute;
        project_tokens_until := public.rate_from(project_use.tokens_until, at);
        tenant_concurrent := tenant_limits.concurrent;
        project_concurrent := project_limits.concurrent;
        of_tenant := NULL;
        of_project := NULL;
        IF NOT admitted THEN
            of_tenant := coalesce(to_jsonb(tenant_use), '{}') || jsonb_build_object(
                'tenant_id', ask.tenant, 'project_id', '', 'limits', to_jsonb(tenant_limits));
            of_project := coalesce(to_jsonb(project_use), '{}') || jsonb_build_object(
                'tenant_id', ask.tenant, 'project_id', ask.project, 'limits', to_jsonb(project_limits));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- A gateway process is gone, and the scheduler knows: what it had reserved is held for so long at most. By then the jobs that it had sent
-- have ended; those that it had not sent never end. What is being settled right now is passed over. How many.
CREATE FUNCTION desert_reservations(process uuid, given_at timestamptz, grace interval) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
    WITH late AS (
        SELECT r.job_id, coalesce(given_at, clock_timestamp()) + grace AS ends FROM public.reservation r
        WHERE r.gateway = process AND r.held AND r.expires_at > coalesce(given_at, clock_timestamp()) + grace
        FOR UPDATE SKIP LOCKED),
    shortened AS (
        UPDATE public.reservation r SET expires_at = late.ends FROM late WHERE r.job_id = late.job_id RETURNING r.job_id)
    SELECT count(*) FROM shortened
$$;
GRANT EXECUTE ON FUNCTION desert_reservations(uuid, timestamptz, interval) TO "${ledger_role}";
