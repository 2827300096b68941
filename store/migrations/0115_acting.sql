-- What people do on the screens: functions of schema `act`, each for the roles it is granted to, each audited.

-- The pattern of every function in it: SECURITY DEFINER with a search_path of its own, EXECUTE taken from PUBLIC and
-- given to the roles that may (that is the check of the role), and cem.acting() called before anything is changed.
CREATE SCHEMA act;
GRANT USAGE ON SCHEMA act TO cem_operations, cem_analyst, cem_care, cem_admin;
COMMENT ON SCHEMA act IS 'What people may do, by role; whoever acts is named in the setting cem.actor.';

CREATE FUNCTION cem.acting(action text, subject_token bigint, reason text, detail jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    who text := btrim(coalesce(current_setting('cem.actor', true), ''));
BEGIN
    IF who = '' THEN
        RAISE EXCEPTION '% is refused: the setting cem.actor does not say who asks', action
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF btrim(coalesce(reason, '')) = '' THEN
        RAISE EXCEPTION '% is audited: it needs a reason', action USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cem.audit (actor, action, subject_token, reason, detail)
    VALUES (who, action, subject_token, btrim(reason),
            coalesce(detail, '{}') || jsonb_build_object('role', current_setting('role')));
    RETURN who;
END
$$;
COMMENT ON FUNCTION cem.acting IS 'Write into the audit who does what and why, and return who; refused without either.';
REVOKE EXECUTE ON FUNCTION cem.acting FROM PUBLIC;

CREATE FUNCTION act.look_at_customer(asked_key bigint, what text, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM cem.acting('look at a customer', asked_key, reason, jsonb_build_object('what', what));
END
$$;
COMMENT ON FUNCTION act.look_at_customer IS 'Somebody opens what is known of one customer: the page, a complaint, the timeline, the explanation.';
REVOKE EXECUTE ON FUNCTION act.look_at_customer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.look_at_customer TO cem_care, cem_admin;
