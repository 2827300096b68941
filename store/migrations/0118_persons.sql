-- Finding one customer by what they call themselves, naming them again, and explaining them: each audited.

CREATE INDEX audit_by_subject ON cem.audit (subject_token, audit_id) WHERE subject_token IS NOT NULL;

-- The identifier itself never comes here: whoever asks has the vault's key and brings its keyed hash.
CREATE FUNCTION act.find_customer(lookup uuid, reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    found_token bigint;
    found_key bigint;
BEGIN
    SELECT s.token INTO found_token FROM vault.subject s
    WHERE s.lookup = find_customer.lookup AND s.erased_at IS NULL;
    SELECT customer_key INTO found_key FROM cem.customer_of
    WHERE subscriber_key = found_token ORDER BY valid_from DESC LIMIT 1;
    found_key := coalesce(found_key, found_token);
    PERFORM cem.acting('find a customer by number', found_key, reason,
                       jsonb_build_object('found', found_key IS NOT NULL));
    RETURN found_key;
END
$$;
COMMENT ON FUNCTION act.find_customer IS 'The customer with the identifier of this keyed hash, or NULL; audited either way.';

-- Still sealed: they open outside the database, with the vault's other key, each bound to its token.
CREATE FUNCTION act.reveal_customer(asked_key bigint, reason text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    sealed_ jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(s.token::text, encode(s.sealed, 'hex')) ORDER BY s.token) INTO sealed_
    FROM vault.subject s
    WHERE s.sealed IS NOT NULL AND s.token IN (
        SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key);
    PERFORM cem.acting('reveal', asked_key, reason,
                       jsonb_build_object('identifiers', jsonb_array_length(coalesce(sealed_, '[]'))));
    RETURN coalesce(sealed_, '[]');
END
$$;
COMMENT ON FUNCTION act.reveal_customer IS 'The sealed identifiers of one customer: [token, hexadecimal] each.';
REVOKE EXECUTE ON FUNCTION act.find_customer, act.reveal_customer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.find_customer, act.reveal_customer TO cem_care, cem_admin;

-- Explaining one customer reads raw sessions of their hours again: a role of the screens that can do that and no more.
DO $$
BEGIN
    -- Roles belong to the whole server: another database of ours may have made it, or be making it now.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cem_explain') THEN
        CREATE ROLE cem_explain NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END;
$$;
COMMENT ON ROLE cem_explain IS 'The screens explaining one customer; no viewer reads in it.';
GRANT USAGE ON SCHEMA cem, api TO cem_explain;
GRANT SELECT ON cem.installation, cem.source, cem.label, cem.session, cem.user_hour, cem.customer_of,
    cem.subscriber_now, cem.cell_now, cem.device_now, cem.access_node_now, cem.baseline_level, api.customer_days
    TO cem_explain;

CREATE FUNCTION api.audit_broken_at() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT min(audit_id) FROM (
        SELECT entry.audit_id, entry.sha256 = cem.audit_sha256(entry)
               AND entry.prev_sha256 IS NOT DISTINCT FROM lag(entry.sha256) OVER (ORDER BY entry.audit_id)
               AND entry.audit_id = row_number() OVER (ORDER BY entry.audit_id) AS holds
        FROM cem.audit AS entry) AS checked
    WHERE NOT holds
$$;
COMMENT ON FUNCTION api.audit_broken_at IS 'The first entry of the audit that was altered or follows a removed one; NULL while the chain holds.';
REVOKE EXECUTE ON FUNCTION api.audit_broken_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.audit_broken_at TO cem_admin;
