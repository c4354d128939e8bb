-- Limits of tenants and projects: what is allowed, what is used and held of it, reservations by job, and alerts.
--
-- A scope is a tenant as a whole (project_id '') or one of its projects. Each has one row of limit_use, and taking from it is one
-- conditional UPDATE of that row: the row's lock puts all gateways in line, so no limit is overshot, whatever their number. Rows
-- are locked in the order of (tenant_id, project_id) by whoever locks several.

-- What differs from the tier's plan. PLATFORM takes the plan's place; TENANT is what the tenant sets below it for itself.
CREATE TABLE limit_override (
    tenant_id           text NOT NULL REFERENCES tenant,
    project_id          text NOT NULL,
    set_by              text NOT NULL CHECK (set_by IN ('PLATFORM', 'TENANT')),
    requests_per_minute bigint CHECK (requests_per_minute > 0),
    tokens_per_minute   bigint CHECK (tokens_per_minute > 0),
    concurrent          bigint CHECK (concurrent > 0),
    tokens_per_day      bigint CHECK (tokens_per_day >= 0),
    tokens_per_month    bigint CHECK (tokens_per_month >= 0),
    budget_per_month    numeric(20, 6) CHECK (budget_per_month >= 0),
    -- Which of the last three only raise alerts, by column.
    soft                text[] NOT NULL CHECK (soft <@ '{tokens_per_day,tokens_per_month,budget_per_month}'),
    PRIMARY KEY (tenant_id, project_id, set_by)
);
CALL protect_rows('limit_override');
CALL audit_changes('limit_override');
GRANT SELECT ON limit_override TO "${tenant_role}", "${operator_role}";
GRANT INSERT, UPDATE, DELETE ON limit_override TO "${operator_role}";

CREATE TABLE limit_use (
    tenant_id       text NOT NULL REFERENCES tenant,
    project_id      text NOT NULL,
    -- Requests under way.
    running         bigint NOT NULL DEFAULT 0 CHECK (running >= 0),
    -- Rates, by the generic cell rate algorithm: when all that was taken will have come back. What is not past by more than a
    -- minute may be taken from; no row a minute, no refill to run.
    requests_until  timestamptz NOT NULL DEFAULT '-infinity',
    tokens_until    timestamptz NOT NULL DEFAULT '-infinity',
    -- Calendar periods in UTC. They roll when somebody takes first in a new one, and never back, should a clock jump.
    day             date NOT NULL DEFAULT '-infinity',
    day_used        bigint NOT NULL DEFAULT 0,
    day_held        bigint NOT NULL DEFAULT 0 CHECK (day_held >= 0),
    month           date NOT NULL DEFAULT '-infinity',
    month_used      bigint NOT NULL DEFAULT 0,
    month_held      bigint NOT NULL DEFAULT 0 CHECK (month_held >= 0),
    spent           numeric NOT NULL DEFAULT 0,
    spent_held      numeric NOT NULL DEFAULT 0 CHECK (spent_held >= 0),
    -- The limits under which was taken last, hard or soft: what alerts are about.
    tokens_per_day   bigint,
    tokens_per_month bigint,
    budget_per_month numeric,
    PRIMARY KEY (tenant_id, project_id)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CALL protect_rows('limit_use');
GRANT SELECT, INSERT, UPDATE ON limit_use TO "${tenant_role}";
GRANT SELECT ON limit_use TO "${operator_role}";

-- What a job holds until it is settled, once, by whoever posts its end; then its row goes. A reservation that outlived its term
-- holds nothing, and is kept a while longer in case the job ends after all.
CREATE TABLE reservation (
    job_id       uuid PRIMARY KEY,
    tenant_id    text NOT NULL REFERENCES tenant,
    project_id   text NOT NULL,
    admitted_at  timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    -- The periods that it counts in: those of its admission.
    day          date NOT NULL,
    month        date NOT NULL,
    -- Estimates: tokens of prompt and longest answer, and their price.
    tokens       bigint NOT NULL CHECK (tokens >= 0),
    price        numeric NOT NULL CHECK (price >= 0),
    -- What the tokens took of the minute, of the tenant's limit and of the project's.
    tenant_rate  interval NOT NULL,
    project_rate interval NOT NULL,
    -- Whether it takes a place among the requests under way; until the answer has ended.
    running      boolean NOT NULL DEFAULT true,
    -- Whether its estimates are held.
    held         boolean NOT NULL DEFAULT true
);
CREATE INDEX reservation_expiry ON reservation (expires_at);
CALL protect_rows('reservation');
GRANT SELECT, INSERT, UPDATE ON reservation TO "${tenant_role}";
GRANT SELECT ON reservation TO "${operator_role}";

-- That so much of a limit was used: once a threshold and period.
CREATE TABLE limit_alert (
    tenant_id   text NOT NULL REFERENCES tenant,
    project_id  text NOT NULL,
    limit_name  text NOT NULL CHECK (limit_name IN ('tokens_per_day', 'tokens_per_month', 'budget_per_month')),
    -- The period's first day.
    period      date NOT NULL,
    -- Per cent.
    threshold   int NOT NULL CHECK (threshold IN (50, 80, 100)),
    used        numeric NOT NULL,
    limit_value numeric NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, project_id, limit_name, period, threshold)
);
CALL protect_rows('limit_alert');
GRANT SELECT, INSERT ON limit_alert TO "${tenant_role}";
GRANT SELECT ON limit_alert TO "${operator_role}";

-- A scope's limits: null is none. The last three are the least of hard and soft ones, the three before them of hard ones alone.
CREATE TYPE limit_set AS (
    requests_per_minute bigint,
    tokens_per_minute   bigint,
    concurrent          bigint,
    hard_per_day        bigint,
    hard_per_month      bigint,
    hard_budget         numeric,
    tokens_per_day      bigint,
    tokens_per_month    bigint,
    budget_per_month    numeric
);

-- LEAST passes over nulls. PL/pgSQL, for it keeps its plans from call to call.
CREATE FUNCTION limits_of(tenant text, project text, plan limit_set) RETURNS limit_set
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    l public.limit_set := plan;
    o public.limit_override;
    hard_per_day bigint;
    hard_per_month bigint;
    hard_budget numeric;
BEGIN
    FOR o IN
        SELECT x.* FROM public.limit_override x WHERE x.tenant_id = tenant AND x.project_id = project ORDER BY x.set_by
    LOOP
        hard_per_day := CASE WHEN NOT 'tokens_per_day' = ANY (o.soft) THEN o.tokens_per_day END;
        hard_per_month := CASE WHEN NOT 'tokens_per_month' = ANY (o.soft) THEN o.tokens_per_month END;
        hard_budget := CASE WHEN NOT 'budget_per_month' = ANY (o.soft) THEN o.budget_per_month END;
        IF o.set_by = 'PLATFORM' THEN
            l.requests_per_minute := coalesce(o.requests_per_minute, l.requests_per_minute);
            l.tokens_per_minute := coalesce(o.tokens_per_minute, l.tokens_per_minute);
            l.concurrent := coalesce(o.concurrent, l.concurrent);
            l.hard_per_day := CASE WHEN o.tokens_per_day IS NULL THEN l.hard_per_day ELSE hard_per_day END;
            l.hard_per_month := CASE WHEN o.tokens_per_month IS NULL THEN l.hard_per_month ELSE hard_per_month END;
            l.hard_budget := CASE WHEN o.budget_per_month IS NULL THEN l.hard_budget ELSE hard_budget END;
            l.tokens_per_day := coalesce(o.tokens_per_day, l.tokens_per_day);
            l.tokens_per_month := coalesce(o.tokens_per_month, l.tokens_per_month);
            l.budget_per_month := coalesce(o.budget_per_month, l.budget_per_month);
        ELSE
            l.requests_per_minute := least(l.requests_per_minute, o.requests_per_minute);
            l.tokens_per_minute := least(l.tokens_per_minute, o.tokens_per_minute);
            l.concurrent := least(l.concurrent, o.concurrent);
            l.hard_per_day := least(l.hard_per_day, hard_per_day);
            l.hard_per_month := least(l.hard_per_month, hard_per_month);
            l.hard_budget := least(l.hard_budget, hard_budget);
            l.tokens_per_day := least(l.tokens_per_day, o.tokens_per_day);
            l.tokens_per_month := least(l.tokens_per_month, o.tokens_per_month);
            l.budget_per_month := least(l.budget_per_month, o.budget_per_month);
        END IF;
    END LOOP;
    RETURN l;
END
$$;
GRANT EXECUTE ON FUNCTION limits_of(text, text, limit_set) TO "${tenant_role}", "${operator_role}";

-- How much of a minute so many are, of a limit a minute; whole microseconds, never more than the limit's share.
CREATE FUNCTION rate_share(amount bigint, per_minute bigint) RETURNS interval
LANGUAGE sql IMMUTABLE
AS $$ SELECT coalesce(trunc(60000000::numeric * amount / per_minute)::float8 * interval '1 microsecond', interval '0') $$;
GRANT EXECUTE ON FUNCTION rate_share(bigint, bigint) TO "${tenant_role}", "${operator_role}";

-- From when on a taking counts: not before now. Nothing legitimate lies further ahead than a minute and a moment: after a clock
-- that ran ahead was put back, the minute begins anew, and does not last until the clock is there again.
CREATE FUNCTION rate_from(until timestamptz, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN until > at + interval '2 minutes' THEN at ELSE greatest(until, at) END $$;
GRANT EXECUTE ON FUNCTION rate_from(timestamptz, timestamptz) TO "${tenant_role}";

-- What is given back of a part of a share of the minute that was taken a while ago: time itself has given back some already, and
-- giving it twice would let more through than the rate.
CREATE FUNCTION rate_left(share interval, part float8, since interval) RETURNS interval
LANGUAGE sql IMMUTABLE
AS $$ SELECT greatest(share * part - greatest(since, interval '0'), interval '0') $$;
GRANT EXECUTE ON FUNCTION rate_left(interval, float8, interval) TO "${tenant_role}";

-- Takes one request, so many places, tokens and their price from a scope, all or nothing; the row as it is then, or null.
CREATE FUNCTION take_of_scope(tenant text, project text, l limit_set, at timestamptz, place int, amount bigint, cost numeric)
RETURNS limit_use
LANGUAGE plpgsql
AS $$
DECLARE
    today date := (at AT TIME ZONE 'UTC')::date;
    this_month date := date_trunc('month', at AT TIME ZONE 'UTC')::date;
    request_share interval := public.rate_share(1, l.requests_per_minute);
    token_share interval := public.rate_share(amount, l.tokens_per_minute);
    taken public.limit_use;
BEGIN
    FOR attempt IN 1..2 LOOP
        UPDATE public.limit_use u SET
            running = u.running + place,
            requests_until = public.rate_from(u.requests_until, at) + request_share,
            tokens_until = public.rate_from(u.tokens_until, at) + token_share,
            day = greatest(u.day, today),
            day_used = CASE WHEN u.day >= today THEN u.day_used ELSE 0 END,
            day_held = CASE WHEN u.day >= today THEN u.day_held ELSE 0 END + amount,
            month = greatest(u.month, this_month),
            month_used = CASE WHEN u.month >= this_month THEN u.month_used ELSE 0 END,
            month_held = CASE WHEN u.month >= this_month THEN u.month_held ELSE 0 END + amount,
            spent = CASE WHEN u.month >= this_month THEN u.spent ELSE 0 END,
            spent_held = CASE WHEN u.month >= this_month THEN u.spent_held ELSE 0 END + cost,
            tokens_per_day = l.tokens_per_day,
            tokens_per_month = l.tokens_per_month,
            budget_per_month = l.budget_per_month
        WHERE u.tenant_id = tenant AND u.project_id = project
            AND (l.concurrent IS NULL OR place = 0 OR u.running + place <= l.concurrent)
            AND (l.requests_per_minute IS NULL
                OR public.rate_from(u.requests_until, at) + request_share <= at + interval '1 minute')
            AND (l.tokens_per_minute IS NULL OR amount = 0
                OR public.rate_from(u.tokens_until, at) + token_share <= at + interval '1 minute')
            AND (l.hard_per_day IS NULL OR amount = 0
                OR CASE WHEN u.day >= today THEN u.day_used + u.day_held ELSE 0 END + amount <= l.hard_per_day)
            AND (l.hard_per_month IS NULL OR amount = 0
                OR CASE WHEN u.month >= this_month THEN u.month_used + u.month_held ELSE 0 END + amount <= l.hard_per_month)
            AND (l.hard_budget IS NULL OR amount = 0
                OR CASE WHEN u.month >= this_month THEN u.spent + u.spent_held ELSE 0 END + cost <= l.hard_budget)
        RETURNING u.* INTO taken;
        EXIT WHEN FOUND OR attempt = 2;
        INSERT INTO public.limit_use (tenant_id, project_id) VALUES (tenant, project) ON CONFLICT DO NOTHING;
        EXIT WHEN NOT FOUND;
    END LOOP;
    RETURN taken;
END
$$;
GRANT EXECUTE ON FUNCTION take_of_scope(text, text, limit_set, timestamptz, int, bigint, numeric) TO "${tenant_role}";

-- What is left of a scope for each of so many more answers, at most so many tokens: of hard quotas, of the budget, and of a whole
-- minute's tokens.
CREATE FUNCTION affordable_tokens(u limit_use, l limit_set, at timestamptz, prompt bigint, answers int, prompt_price numeric,
    answer_price numeric, most bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT least(most,
        (l.tokens_per_minute - prompt) / answers,
        (l.hard_per_day - prompt - CASE WHEN u.day >= (at AT TIME ZONE 'UTC')::date THEN u.day_used + u.day_held ELSE 0 END)
            / answers,
        (l.hard_per_month - prompt
            - CASE WHEN u.month >= date_trunc('month', at AT TIME ZONE 'UTC')::date THEN u.month_used + u.month_held ELSE 0 END)
            / answers,
        CASE WHEN answer_price > 0 THEN floor((l.hard_budget - prompt * prompt_price
            - CASE WHEN u.month >= date_trunc('month', at AT TIME ZONE 'UTC')::date THEN u.spent + u.spent_held ELSE 0 END)
            / (answers * answer_price))::bigint END)
$$;
GRANT EXECUTE ON FUNCTION affordable_tokens(limit_use, limit_set, timestamptz, bigint, int, numeric, numeric, bigint)
    TO "${tenant_role}";

-- Lets jobs in, in one round trip however many gateways' requests came together: each takes from its tenant and its project, and
-- leaves a reservation for each job; or takes nothing, and the answer says how both stand. An ask is {nr, tenant, project, jobs,
-- plan: limit_set, prompt, answer, shrink, at_least, prompt_price, answer_price}: a job for each answer, tokens of the prompt, which
-- counts once, and of the longest answer; with shrink answers of `at_least` tokens will do. Without jobs it takes a request of the
-- minute and nothing else.
-- The time is the database's: gateways' clocks may differ. Only tests give one.
CREATE FUNCTION admit(asks jsonb, given_at timestamptz, term interval)
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
            prompt bigint, answer bigint, shrink boolean, at_least bigint, prompt_price numeric, answer_price numeric)
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
                tenant_rate, project_rate)
            SELECT j.job_id, ask.tenant, ask.project, at, at + term, tenant_use.day, tenant_use.month, j.tokens, j.price,
                public.rate_share(j.tokens, tenant_limits.tokens_per_minute),
                public.rate_share(j.tokens, project_limits.tokens_per_minute)
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
GRANT EXECUTE ON FUNCTION admit(jsonb, timestamptz, interval) TO "${tenant_role}";

-- The answers of these jobs have ended: their places are free. What they hold stays until they are settled.
CREATE FUNCTION free_places(tenant text, jobs uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    scope record;
BEGIN
    PERFORM set_config('app.tenant', tenant, true);
    FOR scope IN
        -- What another holds locked is being settled, which frees its place too.
        WITH mine AS (
            SELECT r.job_id FROM public.reservation r
            WHERE r.tenant_id = tenant AND r.job_id = ANY (jobs) AND r.running FOR UPDATE SKIP LOCKED),
        freed AS (
            UPDATE public.reservation r SET running = false FROM mine WHERE r.job_id = mine.job_id RETURNING r.project_id)
        SELECT s.project_id, count(*) AS places FROM freed CROSS JOIN LATERAL (VALUES (''), (freed.project_id)) s (project_id)
        GROUP BY 1 ORDER BY 1
    LOOP
        UPDATE public.limit_use u SET running = greatest(u.running - scope.places, 0)
        WHERE u.tenant_id = tenant AND u.project_id = scope.project_id;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION free_places(text, uuid[]) TO "${tenant_role}";

-- These jobs were not sent, as far as is known: they hold nothing from now on. Should one end after all, it is settled then.
CREATE FUNCTION release_reservations(tenant text, jobs uuid[], given_at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    at timestamptz := coalesce(given_at, clock_timestamp());
    scope record;
BEGIN
    PERFORM set_config('app.tenant', tenant, true);
    FOR scope IN
        WITH mine AS (
            SELECT r.* FROM public.reservation r
            WHERE r.tenant_id = tenant AND r.job_id = ANY (jobs) AND r.held FOR UPDATE SKIP LOCKED),
        released AS (
            UPDATE public.reservation r SET running = false, held = false FROM mine WHERE r.job_id = mine.job_id)
        SELECT s.project_id, m.day, m.month, count(*) FILTER (WHERE m.running) AS places, sum(m.tokens) AS tokens,
            sum(m.price) AS price, sum(public.rate_left(s.rate, 1, at - m.admitted_at)) AS rate
        FROM mine m CROSS JOIN LATERAL (VALUES ('', m.tenant_rate), (m.project_id, m.project_rate)) s (project_id, rate)
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    LOOP
        UPDATE public.limit_use u SET
            running = greatest(u.running - scope.places, 0),
            tokens_until = u.tokens_until - scope.rate,
            day_held = greatest(u.day_held - CASE WHEN u.day = scope.day THEN scope.tokens ELSE 0 END, 0),
            month_held = greatest(u.month_held - CASE WHEN u.month = scope.month THEN scope.tokens ELSE 0 END, 0),
            spent_held = greatest(u.spent_held - CASE WHEN u.month = scope.month THEN scope.price ELSE 0 END, 0)
        WHERE u.tenant_id = tenant AND u.project_id = scope.project_id;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION release_reservations(text, uuid[], timestamptz) TO "${tenant_role}";

-- The ledger's side runs as the owner, whom forced row security binds: the ledger's role sees none of these tables.
CREATE POLICY settlement ON reservation TO "${owner_role}" USING (true) WITH CHECK (true);
CREATE POLICY settlement ON limit_use TO "${owner_role}" USING (true) WITH CHECK (true);
CREATE POLICY settlement ON limit_alert TO "${owner_role}" USING (true) WITH CHECK (true);

-- Ends the reservations of finished jobs: what they held goes, what they used counts, in the periods of their admission; what they
-- took too much of the minute comes back. A job without a reservation was settled before, and changes nothing: twice is once.
-- To be called last in a transaction, for it locks the rows that every admission of these tenants needs. Gives new alerts.
CREATE FUNCTION settle_reservations(jobs uuid[], used_tokens bigint[], used_prices numeric[], given_at timestamptz)
RETURNS SETOF limit_alert
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    at timestamptz := coalesce(given_at, clock_timestamp());
    scope record;
    u public.limit_use;
BEGIN
    FOR scope IN
        WITH gone AS (
            DELETE FROM public.reservation r USING unnest(jobs, used_tokens, used_prices) AS e (job_id, tokens, price)
            WHERE r.job_id = e.job_id
            RETURNING r.tenant_id, r.project_id, r.admitted_at, r.day, r.month, r.running, r.held, r.tokens, r.price, r.tenant_rate,
                r.project_rate, e.tokens AS used, e.price AS cost)
        SELECT g.tenant_id, s.project_id, g.day, g.month,
            count(*) FILTER (WHERE g.running) AS places,
            coalesce(sum(g.tokens) FILTER (WHERE g.held), 0) AS tokens, coalesce(sum(g.price) FILTER (WHERE g.held), 0) AS price,
            sum(g.used) AS used, sum(g.cost) AS cost,
            coalesce(sum(public.rate_left(s.rate, 1 - g.used::float8 / g.tokens, at - g.admitted_at))
                FILTER (WHERE g.held AND g.used < g.tokens), interval '0') AS rate
        FROM gone g CROSS JOIN LATERAL (VALUES ('', g.tenant_rate), (g.project_id, g.project_rate)) s (project_id, rate)
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    LOOP
        UPDATE public.limit_use l SET
            running = greatest(l.running - scope.places, 0),
            tokens_until = l.tokens_until - scope.rate,
            day_held = greatest(l.day_held - CASE WHEN l.day = scope.day THEN scope.tokens ELSE 0 END, 0),
            day_used = l.day_used + CASE WHEN l.day = scope.day THEN scope.used ELSE 0 END,
            month_held = greatest(l.month_held - CASE WHEN l.month = scope.month THEN scope.tokens ELSE 0 END, 0),
            month_used = l.month_used + CASE WHEN l.month = scope.month THEN scope.used ELSE 0 END,
            spent_held = greatest(l.spent_held - CASE WHEN l.month = scope.month THEN scope.price ELSE 0 END, 0),
            spent = l.spent + CASE WHEN l.month = scope.month THEN scope.cost ELSE 0 END
        WHERE l.tenant_id = scope.tenant_id AND l.project_id = scope.project_id
        RETURNING l.* INTO u;
        RETURN QUERY
            INSERT INTO public.limit_alert
            SELECT u.tenant_id, u.project_id, a.name, a.period, t.threshold, a.used, a.most, at
            FROM (VALUES
                ('tokens_per_day', u.day, u.day_used::numeric, u.tokens_per_day::numeric),
                ('tokens_per_month', u.month, u.month_used::numeric, u.tokens_per_month::numeric),
                ('budget_per_month', u.month, u.spent, u.budget_per_month)) AS a (name, period, used, most)
            JOIN unnest(ARRAY[50, 80, 100]) AS t (threshold) ON a.used > 0 AND a.used * 100 >= a.most * t.threshold
            ON CONFLICT DO NOTHING RETURNING *;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION settle_reservations(uuid[], bigint[], numeric[], timestamptz) TO "${ledger_role}";

-- Reservations whose term is over hold nothing any more, and those that held nothing for a day longer go; the number of both.
CREATE FUNCTION expire_reservations(given_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    at timestamptz := coalesce(given_at, clock_timestamp());
    scope record;
    ended bigint;
    forgotten bigint;
BEGIN
    WITH due AS (
        SELECT r.job_id FROM public.reservation r WHERE r.expires_at <= at AND NOT r.held LIMIT 5000 FOR UPDATE SKIP LOCKED)
    DELETE FROM public.reservation r USING due WHERE r.job_id = due.job_id;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    ended := 0;
    FOR scope IN
        WITH due AS (
            SELECT r.* FROM public.reservation r WHERE r.expires_at <= at AND r.held LIMIT 5000 FOR UPDATE SKIP LOCKED),
        lapsed AS (
            UPDATE public.reservation r SET running = false, held = false, expires_at = at + interval '1 day'
            FROM due WHERE r.job_id = due.job_id)
        SELECT d.tenant_id, s.project_id, d.day, d.month, count(*) AS jobs, count(*) FILTER (WHERE d.running) AS places,
            sum(d.tokens) AS tokens, sum(d.price) AS price
        FROM due d CROSS JOIN LATERAL (VALUES (''), (d.project_id)) s (project_id)
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    LOOP
        UPDATE public.limit_use u SET
            running = greatest(u.running - scope.places, 0),
            day_held = greatest(u.day_held - CASE WHEN u.day = scope.day THEN scope.tokens ELSE 0 END, 0),
            month_held = greatest(u.month_held - CASE WHEN u.month = scope.month THEN scope.tokens ELSE 0 END, 0),
            spent_held = greatest(u.spent_held - CASE WHEN u.month = scope.month THEN scope.price ELSE 0 END, 0)
        WHERE u.tenant_id = scope.tenant_id AND u.project_id = scope.project_id;
        ended := ended + CASE WHEN scope.project_id = '' THEN scope.jobs ELSE 0 END;
    END LOOP;
    RETURN ended + forgotten;
END
$$;
GRANT EXECUTE ON FUNCTION expire_reservations(timestamptz) TO "${ledger_role}";
