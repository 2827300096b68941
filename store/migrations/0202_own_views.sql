-- Saved views: private ones are read by whom the setting cem.actor names, as everything is done, and what is shared names
-- nobody. Before, any role could ask for anybody's private views, and a shared view told everyone a customer's key.

-- The parameters that are one person: the page of a customer, and the audit of one.
CREATE FUNCTION cem.of_one_person(parameters jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$ SELECT parameters ?| '{customer,subject}' $$;
REVOKE EXECUTE ON FUNCTION cem.of_one_person FROM PUBLIC;

DROP FUNCTION api.saved_views(text);
CREATE FUNCTION api.saved_views()
RETURNS TABLE (view_id bigint, owner text, name text, screen text, parameters jsonb, shared boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT v.view_id, v.owner, v.name, v.screen, v.parameters, v.shared
    FROM cem.saved_view v
    CROSS JOIN (SELECT btrim(coalesce(current_setting('cem.actor', true), '')) AS name) who
    WHERE v.owner = who.name OR (v.shared AND NOT cem.of_one_person(v.parameters))
    ORDER BY v.owner <> who.name, v.name, v.owner
$$;
COMMENT ON FUNCTION api.saved_views IS 'The saved views of whom cem.actor names, and after them those that others share.';
REVOKE EXECUTE ON FUNCTION api.saved_views FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.saved_views TO cem_operations, cem_analyst, cem_care, cem_admin;

CREATE OR REPLACE FUNCTION act.save_view(view_name text, view_screen text, view_parameters jsonb, view_shared boolean)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('save a view', NULL, 'kept for later',
                           jsonb_build_object('name', btrim(view_name), 'screen', view_screen, 'shared', view_shared));
    made bigint;
BEGIN
    IF view_shared AND cem.of_one_person(view_parameters) THEN
        RAISE EXCEPTION 'a view of one customer is not shared' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cem.saved_view (owner, name, screen, parameters, shared)
    VALUES (who, btrim(view_name), view_screen, view_parameters, view_shared)
    ON CONFLICT (owner, name) DO UPDATE
        SET screen = excluded.screen, parameters = excluded.parameters, shared = excluded.shared, saved_at = now()
    RETURNING view_id INTO made;
    RETURN made;
END
$$;
COMMENT ON FUNCTION act.save_view IS
    'Save a view under a name; the same name of the same person again replaces it. One of a customer is not shared.';
