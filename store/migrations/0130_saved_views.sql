-- Views that people save: a screen and the parameters of its address, under a name; private unless shared.

CREATE TABLE cem.saved_view (
    view_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    screen text NOT NULL CHECK (length(screen) BETWEEN 1 AND 80),
    parameters jsonb NOT NULL CHECK (jsonb_typeof(parameters) = 'object' AND length(parameters::text) <= 4000),
    shared boolean NOT NULL DEFAULT false,
    saved_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, name)
);
COMMENT ON TABLE cem.saved_view IS 'A screen and the parameters of its address, under a name that its owner gave.';

-- The screens ask for their viewer by name: a role alone does not say whose private views these are.
CREATE FUNCTION api.saved_views(viewer text)
RETURNS TABLE (view_id bigint, owner text, name text, screen text, parameters jsonb, shared boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT v.view_id, v.owner, v.name, v.screen, v.parameters, v.shared
    FROM cem.saved_view v WHERE v.owner = viewer OR v.shared
    ORDER BY v.owner <> viewer, v.name, v.owner
$$;
REVOKE EXECUTE ON FUNCTION api.saved_views FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.saved_views TO cem_operations, cem_analyst, cem_care, cem_admin;

CREATE FUNCTION act.save_view(view_name text, view_screen text, view_parameters jsonb, view_shared boolean)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('save a view', NULL, 'kept for later',
                           jsonb_build_object('name', btrim(view_name), 'screen', view_screen, 'shared', view_shared));
    made bigint;
BEGIN
    INSERT INTO cem.saved_view (owner, name, screen, parameters, shared)
    VALUES (who, btrim(view_name), view_screen, view_parameters, view_shared)
    ON CONFLICT (owner, name) DO UPDATE
        SET screen = excluded.screen, parameters = excluded.parameters, shared = excluded.shared, saved_at = now()
    RETURNING view_id INTO made;
    RETURN made;
END
$$;
COMMENT ON FUNCTION act.save_view IS 'Save a view under a name; the same name of the same person again replaces it.';

CREATE FUNCTION act.delete_view(asked_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('delete a view', NULL, 'no longer needed', jsonb_build_object('view_id', asked_id));
BEGIN
    DELETE FROM cem.saved_view WHERE view_id = asked_id AND owner = who;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION act.delete_view IS 'Delete a view of one''s own; false where there is none of that number.';

REVOKE EXECUTE ON FUNCTION act.save_view, act.delete_view FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.save_view, act.delete_view TO cem_operations, cem_analyst, cem_care, cem_admin;
