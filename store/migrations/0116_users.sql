-- Who may log in to the screens, by what roles, and each of their stays.

CREATE TABLE cem.app_user (
    user_id text PRIMARY KEY CHECK (btrim(user_id) <> ''),
    name text NOT NULL DEFAULT '',
    roles text[] CHECK (roles <@ ARRAY['operations', 'care', 'analyst', 'admin']),
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text,
    seen_at timestamptz
);
COMMENT ON TABLE cem.app_user IS 'People who were given roles or have logged in; user_id is what the log-in service calls them.';
COMMENT ON COLUMN cem.app_user.roles IS 'NULL: nobody here decided, so what the log-in service says counts. Empty: refused, whatever it says.';

CREATE TABLE cem.app_stay (
    stay_id bytea PRIMARY KEY,
    user_id text NOT NULL REFERENCES cem.app_user ON DELETE CASCADE,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ended text CHECK (ended IN ('expired', 'too_long', 'idle', 'left'))
);
CREATE INDEX app_stay_by_user ON cem.app_stay (user_id, started_at DESC);
COMMENT ON TABLE cem.app_stay IS 'Log-ins; stay_id is the SHA-256 of the identity token''s claims. One that has ended never begins again.';

DO $$
BEGIN
    -- Roles belong to the whole server: another database of ours may have made it, or be making it now.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cem_screens') THEN
        CREATE ROLE cem_screens NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END;
$$;
COMMENT ON ROLE cem_screens IS 'The screens themselves, for what no viewer may do: asking who somebody is.';
GRANT USAGE ON SCHEMA act TO cem_screens;

-- Says on every run of a page whether somebody who holds a token is let in, and with which roles.
CREATE FUNCTION act.come_in(asked_id text, asked_name text, claimed text[], stay bytea, issued_at timestamptz,
    expires_at timestamptz, idle_s double precision, longest_s double precision, moved boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    now_ timestamptz := clock_timestamp();
    known cem.app_stay;
    held text[];
    out_ text;
BEGIN
    INSERT INTO cem.app_user (user_id, name, seen_at) VALUES (asked_id, asked_name, now_) ON CONFLICT DO NOTHING;
    SELECT coalesce(roles, claimed) INTO held FROM cem.app_user WHERE user_id = asked_id;
    INSERT INTO cem.app_stay (stay_id, user_id, started_at, seen_at) VALUES (stay, asked_id, issued_at, now_)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        UPDATE cem.app_user SET name = asked_name, seen_at = now_ WHERE user_id = asked_id;
        PERFORM cem.acting('log in', NULL, 'logged in', jsonb_build_object('roles', held));
    END IF;
    SELECT * INTO known FROM cem.app_stay WHERE stay_id = stay AND user_id = asked_id FOR UPDATE;
    IF known.stay_id IS NULL THEN
        RETURN jsonb_build_object('ended', 'left', 'roles', '[]'::jsonb);
    END IF;
    out_ := coalesce(known.ended, CASE
        WHEN now_ >= expires_at THEN 'expired'
        WHEN now_ >= known.started_at + make_interval(secs => longest_s) THEN 'too_long'
        WHEN now_ >= known.seen_at + make_interval(secs => idle_s) THEN 'idle' END);
    IF out_ IS NOT NULL AND known.ended IS NULL THEN
        UPDATE cem.app_stay SET ended = out_ WHERE stay_id = stay;
        PERFORM cem.acting('log out', NULL, 'ended: ' || out_);
    ELSIF out_ IS NULL AND moved AND now_ > known.seen_at + INTERVAL '10 seconds' THEN
        UPDATE cem.app_stay SET seen_at = now_ WHERE stay_id = stay;
    END IF;
    RETURN jsonb_build_object('ended', out_, 'roles', to_jsonb(held));
END
$$;
COMMENT ON FUNCTION act.come_in IS 'Whether somebody with a token is let in: why not (`ended`), and their roles; `moved`: a person did something.';

CREATE FUNCTION act.leave(stay bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE cem.app_stay SET ended = 'left' WHERE stay_id = stay AND ended IS NULL;
    IF FOUND THEN
        PERFORM cem.acting('log out', NULL, 'ended: left');
    END IF;
END
$$;
COMMENT ON FUNCTION act.leave IS 'End a log-in for good: its token, wherever it was copied to, opens nothing any more.';
REVOKE EXECUTE ON FUNCTION act.come_in, act.leave FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.come_in, act.leave TO cem_screens;
