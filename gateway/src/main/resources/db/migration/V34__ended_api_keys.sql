-- Of these keys those that are no more: revoked, or of an archived project. Gateways ask for the keys of the jobs that they have open.
CREATE FUNCTION ended_api_keys(wanted text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    SELECT k.id FROM public.api_key k
    JOIN public.project p ON p.tenant_id = k.tenant_id AND p.id = k.project_id
    WHERE k.id = ANY (wanted) AND (k.revoked_at IS NOT NULL OR p.archived_at IS NOT NULL)
$$;
GRANT EXECUTE ON FUNCTION ended_api_keys(text[]) TO "${auth_role}";
