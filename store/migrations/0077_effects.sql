-- Joint effects of cells, device models, apps, servers and core nodes on sessions, and what they say about each subject.

CREATE TABLE cem.effect_state (
    learned_until date PRIMARY KEY,
    n double precision NOT NULL,
    keys bytea NOT NULL,
    product bytea NOT NULL,
    totals bytea NOT NULL,
    clustering bytea NOT NULL,
    days double precision NOT NULL
);
COMMENT ON TABLE cem.effect_state IS 'Normal equations over all learned days, with forgetting: int64 keys, float64 sums. One row.';

CREATE TABLE cem.effect_pairs (
    part integer PRIMARY KEY,
    first bytea NOT NULL,
    second bytea NOT NULL,
    sessions bytea NOT NULL
);
COMMENT ON TABLE cem.effect_pairs IS 'Sessions that two levels of the state share: int32 places of keys, first <= second, float32 sessions.';

CREATE TABLE cem.effect (
    day date NOT NULL,
    outcome text NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    n real NOT NULL,
    users integer NOT NULL,
    effect real NOT NULL,
    se real NOT NULL,
    shrunk real NOT NULL,
    shrunk_se real NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (day, outcome, attribute, value)
);
COMMENT ON TABLE cem.effect IS 'What a level by itself adds to quality (points) or failures (percent), by the days up to and with `day`; users are of that day.';

CREATE TABLE cem.effect_verdict (
    day date NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    n real NOT NULL,
    users integer NOT NULL,
    verdict text NOT NULL,
    not_network boolean NOT NULL,
    network real NOT NULL,
    device real NOT NULL,
    app real NOT NULL,
    server real NOT NULL,
    core real NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (day, attribute, value)
);
COMMENT ON TABLE cem.effect_verdict IS 'Points that each domain adds to the mean quality of a subject''s sessions, and which of them is at fault.';

CREATE VIEW api.effects WITH (security_barrier) AS
SELECT e.day, e.outcome, e.attribute, l.value, e.n, e.users, e.effect, e.se, e.shrunk,
       e.shrunk - 1.96 * e.shrunk_se AS lo, e.shrunk + 1.96 * e.shrunk_se AS hi, e.version
FROM cem.effect e JOIN cem.label l ON l.label_id = e.value
WHERE e.users >= api.k_anonymity();

CREATE VIEW api.verdicts WITH (security_barrier) AS
SELECT e.day, e.attribute, l.value, e.n, e.users, e.verdict, e.not_network, e.network, e.device, e.app, e.server,
       e.core, e.version
FROM cem.effect_verdict e JOIN cem.label l ON l.label_id = e.value
WHERE e.users >= api.k_anonymity();

-- Where, with what and to whom one customer's sessions went: counts by label, never a session.
CREATE FUNCTION api.customer_exposure(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (attribute text, value integer, sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH mine AS (
        SELECT r.cell_id, r.app, r.server, r.core_node,
               (SELECT d.model FROM cem.device_now d WHERE d.tac = r.tac LIMIT 1) AS model
        FROM cem.session r
        WHERE r.start_time >= from_time AND r.start_time < to_time
          AND r.subscriber_key IN (
              SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key))
    SELECT pair.attribute, pair.value, count(*) FROM mine, LATERAL (VALUES
        ('cell', cell_id), ('model', model), ('app', app), ('server', server), ('core_node', core_node)
    ) AS pair (attribute, value)
    WHERE pair.value IS NOT NULL GROUP BY 1, 2
$$;
COMMENT ON FUNCTION api.customer_exposure IS 'Sessions of one customer in [from_time, to_time) by cell, device model, app, server and core node.';
REVOKE EXECUTE ON FUNCTION api.customer_exposure FROM PUBLIC;

GRANT SELECT ON api.effects, api.verdicts TO cem_operations, cem_analyst, cem_care, cem_admin;
GRANT EXECUTE ON FUNCTION api.customer_exposure TO cem_care, cem_admin;
