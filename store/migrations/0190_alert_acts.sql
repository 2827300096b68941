-- What people do with alerts: acknowledge, take that back, silence, end a silence, resolve.

-- One change of an alert by a person: numbered, kept, and told by the next run of alerting unless it is part of another.
CREATE FUNCTION cem.change_alert(alert text, new_state text, who text, said text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    row cem.alert;
BEGIN
    UPDATE cem.alert a SET state = new_state, change = a.change + 1, updated_at = now()
    WHERE a.alert_id = alert RETURNING * INTO row;
    UPDATE cem.alert a SET detail = a.detail || jsonb_build_object(
        'state', row.state, 'change', row.change, 'key', row.alert_id || ':' || row.state || ':' || row.change,
        'resolved_at', row.resolved_at, 'acknowledged_by', row.acknowledged_by,
        'acknowledged_at', row.acknowledged_at, 'acknowledged_until', row.acknowledged_until,
        'acknowledged_comment', row.acknowledged_comment)
    WHERE a.alert_id = alert;
    INSERT INTO cem.alert_change (alert_id, number, at, state, severity, actor, comment, to_tell)
    VALUES (alert, row.change, now(), row.state, row.severity, who, said, row.parent_id IS NULL AND row.told);
    RETURN row.change;
END
$$;
REVOKE EXECUTE ON FUNCTION cem.change_alert FROM PUBLIC;

-- The alert, locked, in one of the states in which something can be done with it.
CREATE FUNCTION cem.alert_in(alert text, states text[], doing text) RETURNS cem.alert
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    row cem.alert;
BEGIN
    SELECT * INTO row FROM cem.alert a WHERE a.alert_id = alert FOR UPDATE;
    IF row.alert_id IS NULL THEN
        RAISE EXCEPTION 'there is no alert %', alert USING ERRCODE = 'no_data_found';
    END IF;
    IF NOT row.state = ANY (states) THEN
        RAISE EXCEPTION 'alert % is %: % needs one that is %', alert, row.state, doing, array_to_string(states, ' or ')
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN row;
END
$$;
REVOKE EXECUTE ON FUNCTION cem.alert_in FROM PUBLIC;

CREATE FUNCTION act.acknowledge_alert(alert text, comment text, until timestamptz DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('acknowledge an alert', NULL, comment, jsonb_build_object('alert_id', alert, 'until', until));
    row cem.alert := cem.alert_in(alert, ARRAY['firing', 'acknowledged', 'silenced'], 'an acknowledgement');
BEGIN
    IF until <= now() THEN
        RAISE EXCEPTION 'an acknowledgement until % is over already', until USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE cem.alert a SET acknowledged_by = who, acknowledged_at = now(), acknowledged_until = until,
        acknowledged_comment = comment WHERE a.alert_id = alert;
    RETURN cem.change_alert(alert, CASE row.state WHEN 'silenced' THEN 'silenced' ELSE 'acknowledged' END, who, comment);
END
$$;
COMMENT ON FUNCTION act.acknowledge_alert IS 'Somebody looks after an alert: it is not repeated, until it ends, gets graver, or `until` has come.';

CREATE FUNCTION act.unacknowledge_alert(alert text, comment text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('take an acknowledgement back', NULL, comment, jsonb_build_object('alert_id', alert));
    row cem.alert := cem.alert_in(alert, ARRAY['acknowledged'], 'taking an acknowledgement back');
BEGIN
    UPDATE cem.alert a SET acknowledged_by = NULL, acknowledged_at = NULL, acknowledged_until = NULL,
        acknowledged_comment = NULL WHERE a.alert_id = alert;
    RETURN cem.change_alert(alert, 'firing', who, comment);
END
$$;

CREATE FUNCTION act.resolve_alert(alert text, comment text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('resolve an alert', NULL, comment, jsonb_build_object('alert_id', alert));
    row cem.alert := cem.alert_in(alert, ARRAY['pending', 'firing', 'acknowledged', 'silenced'], 'resolving');
BEGIN
    UPDATE cem.alert a SET resolved_at = now() WHERE a.alert_id = alert;
    RETURN cem.change_alert(alert, 'resolved', who, comment);
END
$$;
COMMENT ON FUNCTION act.resolve_alert IS 'Somebody declares an alert over; what goes on being bad makes a new one.';

CREATE FUNCTION act.silence_alerts(matchers jsonb, starts_at timestamptz, ends_at timestamptz, comment text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('silence alerts', NULL, comment, jsonb_build_object('matchers', matchers, 'until', ends_at));
    number bigint;
BEGIN
    IF jsonb_typeof(matchers) <> 'object' OR matchers = '{}' THEN
        RAISE EXCEPTION 'a silence needs a matcher: it would silence everything' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF ends_at IS NULL OR ends_at <= greatest(starts_at, now()) THEN
        RAISE EXCEPTION 'a silence needs an end that is still to come, not %', ends_at
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cem.alert_silence (matchers, starts_at, ends_at, actor, comment, made_at)
    VALUES (matchers, starts_at, ends_at, who, comment, now()) RETURNING silence_id INTO number;
    RETURN number;
END
$$;
COMMENT ON FUNCTION act.silence_alerts IS 'Alerts that fit every matcher (field to value or pattern with *) are not told from starts_at to ends_at.';

CREATE FUNCTION act.end_silence(silence bigint, comment text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    who text := cem.acting('end a silence', NULL, comment, jsonb_build_object('silence_id', silence));
    number bigint;
BEGIN
    UPDATE cem.alert_silence s SET ends_at = greatest(now(), s.starts_at)
    WHERE s.silence_id = silence AND s.ends_at > now() RETURNING s.silence_id INTO number;
    IF number IS NULL THEN
        RAISE EXCEPTION 'there is no silence % that goes on', silence USING ERRCODE = 'no_data_found';
    END IF;
    RETURN number;
END
$$;

REVOKE EXECUTE ON FUNCTION act.acknowledge_alert, act.unacknowledge_alert, act.resolve_alert, act.silence_alerts,
    act.end_silence FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.acknowledge_alert, act.unacknowledge_alert, act.resolve_alert, act.silence_alerts,
    act.end_silence TO cem_operations, cem_admin;
