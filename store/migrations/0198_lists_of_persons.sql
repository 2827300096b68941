-- Lists that name persons - complaints with their texts, who is hurt, who suffers silently - leave a mark in the audit.

CREATE FUNCTION act.look_at_list(what text, shown integer, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM cem.acting('look at a list of persons', NULL, reason, jsonb_build_object('what', what, 'shown', shown));
END
$$;
COMMENT ON FUNCTION act.look_at_list IS 'Somebody opens a list in which each row is a person''s: which list, and how many rows it shows.';
REVOKE EXECUTE ON FUNCTION act.look_at_list FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.look_at_list TO cem_care, cem_admin;
