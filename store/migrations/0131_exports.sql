-- What leaves the screens as a file is written into the audit where it holds persons, or what they said.

CREATE FUNCTION act.export_table(what text, row_count bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM cem.acting('export a table', NULL, 'downloaded on the screens',
                       jsonb_build_object('what', what, 'rows', row_count));
END
$$;
COMMENT ON FUNCTION act.export_table IS 'Somebody downloads a table of pseudonyms, or a report with what customers said.';
REVOKE EXECUTE ON FUNCTION act.export_table FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.export_table TO cem_operations, cem_analyst, cem_care, cem_admin;
