-- Who may see what. End roles read views of schema api only: never a table, never a chunk, never the vault.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['cem_loader', 'cem_reader', 'cem_operations', 'cem_analyst', 'cem_care', 'cem_admin'] LOOP
        BEGIN
            -- Roles belong to the whole server: another database of ours may have made them, or be making them now.
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- The program's own two roles: one writes records and results, one reads them; only the writer reaches the vault.
GRANT USAGE ON SCHEMA cem TO cem_loader, cem_reader;
GRANT USAGE ON SCHEMA vault TO cem_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cem TO cem_loader;
GRANT SELECT ON ALL TABLES IN SCHEMA cem TO cem_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA vault TO cem_loader;
REVOKE UPDATE, DELETE ON cem.audit FROM cem_loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA cem GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cem_loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA cem GRANT SELECT ON TABLES TO cem_reader;

CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO cem_operations, cem_analyst, cem_care, cem_admin;

CREATE FUNCTION api.k_anonymity() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce((SELECT value::integer FROM cem.installation WHERE name = 'k_anonymity'), 10)
$$;
COMMENT ON FUNCTION api.k_anonymity IS 'Groups of fewer users than this show nothing.';

CREATE FUNCTION api.sees_persons() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT pg_has_role(current_user, 'cem_care', 'USAGE') OR pg_has_role(current_user, 'cem_admin', 'USAGE')
$$;
COMMENT ON FUNCTION api.sees_persons IS 'Whether the asking role works with single customers.';

CREATE FUNCTION api.label(number integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT value FROM cem.label WHERE label_id = number
$$;

CREATE FUNCTION api.dimension(number smallint) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT (ARRAY['network', 'device', 'app', 'service'])[number + 1]
$$;

-- Groups -------------------------------------------------------------------------------------------------------------

CREATE VIEW api.groups WITH (security_barrier) AS
SELECT g.grain, g.attribute, l.value, g.start, g.n_users, g.bad_users, g.n, g.bad,
       g.bad / nullif(g.n, 0)::double precision AS bad_ratio,
       g.expected_bad / nullif(g.n, 0)::double precision AS expected_ratio,
       g.network, g.network_lo, g.network_hi, g.device, g.device_lo, g.device_hi, g.app, g.app_lo, g.app_hi,
       g.service, g.service_lo, g.service_hi, g.overall, g.overall_lo, g.overall_hi,
       v.model_version, v.catalogue_version, v.baseline_id
FROM cem.group_index g
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = g.value AND g.attribute <> 'all'
WHERE g.n_users >= api.k_anonymity();

CREATE VIEW api.kpis WITH (security_barrier) AS
SELECT l.value AS object_id, k.kpi, k.start, k.period_s, k.value, k.numerator, k.denominator, k.lo, k.hi,
       k.missing_lo, k.missing_hi, k.n_periods, k.n_suspect, k.coverage, k.flags, k.catalogue_version
FROM cem.kpi_value k
LEFT JOIN cem.label l ON l.label_id = k.object_id;

-- An indicator is shown where its group is: it has no count of users of its own.
CREATE VIEW api.kqis WITH (security_barrier) AS
SELECT q.grain, q.attribute, l.value, q.start, q.kqi, q.numerator / nullif(q.denominator, 0) AS kqi_value,
       q.numerator, q.denominator, q.n, v.model_version, v.catalogue_version, v.baseline_id
FROM cem.kqi_value q
JOIN cem.version v USING (version_id)
JOIN cem.group_index g ON (g.grain, g.attribute, g.start, g.value) = (q.grain, q.attribute, q.start, q.value)
LEFT JOIN cem.label l ON l.label_id = q.value AND q.attribute <> 'all'
WHERE g.n_users >= api.k_anonymity();

-- Clusters -----------------------------------------------------------------------------------------------------------

CREATE VIEW api.clusters WITH (security_barrier) AS
SELECT c.cluster_id, c.over_kind, c.dimension, c.domain, c.selector, c.started_at, c.detected_at, c.ended_at,
       CASE WHEN c.users >= api.k_anonymity() THEN c.users END AS users,
       c.sessions, c.bad_ratio, c.expected_ratio, c.p_value, c.q_value, c.severity, c.evidence,
       CASE WHEN c.silent_users = 0 OR c.silent_users >= api.k_anonymity() THEN c.silent_users END AS silent_users,
       c.recommendation, c.updated_at, v.model_version, v.catalogue_version, v.baseline_id
FROM cem.cluster c
LEFT JOIN cem.version v USING (version_id);

CREATE VIEW api.cluster_windows WITH (security_barrier) AS
SELECT cluster_id, start, CASE WHEN users >= api.k_anonymity() THEN users END AS users, n, bad, expected, p_value,
       q_value
FROM cem.cluster_window;

CREATE VIEW api.cluster_customers WITH (security_barrier) AS
SELECT cluster_id, customer_key, n, bad, first_bad, last_bad FROM cem.cluster_user;

CREATE VIEW api.complaints WITH (security_barrier) AS
SELECT s.name AS source, c.complaint_id, c.created_at, c.version_at,
       coalesce(o.customer_key, c.subscriber_key) AS customer_key, api.label(c.channel) AS channel,
       api.label(c.category) AS category, c.text, api.label(c.cell_id) AS cell_id, c.lat, c.lon,
       api.label(c.app) AS app, api.label(c.status) AS status, c.resolved_at, c.satisfaction
FROM cem.complaint_now c
JOIN cem.source s USING (source_id)
LEFT JOIN LATERAL (
    SELECT customer_key FROM cem.customer_of m
    WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
    ORDER BY m.valid_from DESC LIMIT 1) o ON true;

CREATE VIEW api.cluster_complaints WITH (security_barrier) AS
SELECT k.cluster_id, s.name AS source, k.complaint_id, k.probability, k.reasons, c.created_at,
       api.label(c.channel) AS channel, api.label(c.category) AS category, api.label(c.status) AS status,
       CASE WHEN api.sees_persons() THEN c.text END AS text,
       CASE WHEN api.sees_persons() THEN coalesce(o.customer_key, c.subscriber_key) END AS customer_key
FROM cem.complaint_link k
JOIN cem.complaint_now c USING (source_id, complaint_id)
JOIN cem.source s USING (source_id)
LEFT JOIN LATERAL (
    SELECT customer_key FROM cem.customer_of m
    WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
    ORDER BY m.valid_from DESC LIMIT 1) o ON true;

-- Single customers, by pseudonym -------------------------------------------------------------------------------------

CREATE VIEW api.customer_hours WITH (security_barrier) AS
SELECT u.customer_key, u.start, u.n, u.bad, u.network, u.device, u.app, u.service, u.overall, u.lo, u.hi, u.coverage,
       api.dimension(u.limiting) AS limiting, u.network_c, u.device_c, u.app_c, u.service_c, u.prior_c,
       v.model_version, v.catalogue_version, v.baseline_id
FROM cem.user_hour u JOIN cem.version v USING (version_id);

CREATE VIEW api.customer_days WITH (security_barrier) AS
SELECT u.customer_key, u.start, u.n, u.bad, u.network, u.device, u.app, u.service, u.overall, u.lo, u.hi, u.coverage,
       api.dimension(u.limiting) AS limiting, u.network_c, u.device_c, u.app_c, u.service_c, u.prior_c,
       v.model_version, v.catalogue_version, v.baseline_id
FROM cem.user_day u JOIN cem.version v USING (version_id);

CREATE VIEW api.customer_periods WITH (security_barrier) AS
SELECT u.customer_key, u.start, u.days, u.n, u.bad, u.network, u.device, u.app, u.service, u.overall, u.lo, u.hi,
       u.coverage, api.dimension(u.limiting) AS limiting, u.network_c, u.device_c, u.app_c, u.service_c, u.prior_c,
       v.model_version, v.catalogue_version, v.baseline_id
FROM cem.user_period u JOIN cem.version v USING (version_id);

CREATE VIEW api.surveys WITH (security_barrier) AS
SELECT s.name AS source, y.survey_id, y.time,
       CASE WHEN api.sees_persons() THEN y.subscriber_key END AS subscriber_key,
       api.label(y.kind) AS kind, y.score, CASE WHEN api.sees_persons() THEN y.text END AS text
FROM cem.survey y JOIN cem.source s USING (source_id);

CREATE FUNCTION api.session_timeline(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start_time timestamptz, source text, session_id text, duration_ms integer, tac integer, cell_id text,
    access text, service text, app text, server text, core_node text, plan text, success boolean, failure_cause text,
    bytes_dl bigint, bytes_ul bigint, throughput_dl_kbps real, throughput_ul_kbps real, rtt_client_ms real,
    rtt_server_ms real, loss_dl real, loss_ul real, jitter_ms real, ttfb_ms real, page_load_ms real, startup_ms real,
    stall_count real, stall_ms real, play_ms real, setup_ms real, delay_ms real, dropped boolean, deliver_ms real,
    rsrp_dbm real, sinr_db real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.start_time, s.name, r.session_id, r.duration_ms, r.tac, api.label(r.cell_id), api.label(r.access),
        api.label(r.service), api.label(r.app), api.label(r.server), api.label(r.core_node), api.label(r.plan),
        r.success, api.label(r.failure_cause), r.bytes_dl, r.bytes_ul, r.throughput_dl_kbps, r.throughput_ul_kbps,
        r.rtt_client_ms, r.rtt_server_ms, r.loss_dl, r.loss_ul, r.jitter_ms, r.ttfb_ms, r.page_load_ms, r.startup_ms,
        r.stall_count, r.stall_ms, r.play_ms, r.setup_ms, r.delay_ms, r.dropped, r.deliver_ms, r.rsrp_dbm, r.sinr_db
    FROM cem.session r JOIN cem.source s USING (source_id)
    WHERE r.start_time >= from_time AND r.start_time < to_time
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY r.start_time
$$;
COMMENT ON FUNCTION api.session_timeline IS 'Sessions of one customer in [from_time, to_time): there is no way to ask for all.';

CREATE FUNCTION api.touchpoint_timeline(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE ("time" timestamptz, source text, event_id text, channel text, activity text, stage text, wait_s real,
    handle_s real, success boolean, transfers integer, rating integer, product text, campaign text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.time, s.name, r.event_id, api.label(r.channel), api.label(r.activity), api.label(r.stage), r.wait_s,
        r.handle_s, r.success, r.transfers, r.rating, api.label(r.product), api.label(r.campaign)
    FROM cem.touchpoint r JOIN cem.source s USING (source_id)
    WHERE r.time >= from_time AND r.time < to_time
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY r.time
$$;

REVOKE EXECUTE ON FUNCTION api.session_timeline, api.touchpoint_timeline FROM PUBLIC;

-- The running of the house -------------------------------------------------------------------------------------------

CREATE VIEW api.sources WITH (security_barrier) AS
SELECT s.name AS source, w.kind, w.watermark, w.arrived_at
FROM cem.watermark w JOIN cem.source s USING (source_id);

CREATE VIEW api.batches WITH (security_barrier) AS
SELECT b.batch_id, s.name AS source, b.kind, b.name, b.size_bytes, b.arrived_at, b.rows_read, b.rows_stored,
       b.rows_duplicate, b.rows_quarantined, b.seconds, w.watermark
FROM cem.batch b JOIN cem.source s USING (source_id) LEFT JOIN cem.watermark w USING (source_id, kind);

CREATE VIEW api.quarantine WITH (security_barrier) AS
SELECT q.quarantine_id, q.batch_id, s.name AS source, q.kind, q.name, q.row_number, q.code, q.column_name, q.reason,
       q.arrived_at
FROM cem.quarantine q JOIN cem.source s USING (source_id);

CREATE VIEW api.waiting WITH (security_barrier) AS
SELECT DISTINCT kind, window_start FROM cem.dirty;

CREATE VIEW api.runs WITH (security_barrier) AS
SELECT run_id, job, started_at, finished_at, ok, counts, error FROM cem.run;

CREATE VIEW api.alerts WITH (security_barrier) AS
SELECT alert_id, rule, subject, severity, state, started_at, fired_at, resolved_at, value, expected, detail, updated_at
FROM cem.alert;

CREATE VIEW api.alert_changes WITH (security_barrier) AS
SELECT change_id, alert_id, at, state, actor, comment FROM cem.alert_change;

CREATE VIEW api.status WITH (security_barrier) AS
SELECT (SELECT max(start) + INTERVAL '15 minutes' FROM cem.group_index WHERE grain = '15m' AND attribute = 'all')
           AS scored_until,
       (SELECT max(watermark) FROM cem.watermark) AS newest_event,
       (SELECT count(DISTINCT window_start) FROM cem.dirty) AS windows_waiting,
       (SELECT count(*) FROM cem.cluster WHERE ended_at IS NULL) AS open_clusters,
       (SELECT count(*) FROM cem.alert WHERE resolved_at IS NULL AND fired_at IS NOT NULL) AS firing_alerts;

CREATE VIEW api.audit WITH (security_barrier) AS
SELECT audit_id, at, actor, action, subject_token, reason, detail FROM cem.audit;

-- Grants -------------------------------------------------------------------------------------------------------------

GRANT SELECT ON api.groups, api.kpis, api.kqis, api.clusters, api.cluster_windows, api.cluster_complaints, api.status,
    api.waiting, api.alerts, api.sources
    TO cem_operations, cem_analyst, cem_care, cem_admin;
GRANT SELECT ON api.batches, api.quarantine, api.runs, api.alert_changes TO cem_operations, cem_analyst, cem_admin;
GRANT SELECT ON api.surveys TO cem_analyst, cem_care, cem_admin;
GRANT SELECT ON api.customer_hours, api.customer_days, api.customer_periods, api.cluster_customers, api.complaints
    TO cem_care, cem_admin;
GRANT EXECUTE ON FUNCTION api.session_timeline, api.touchpoint_timeline TO cem_care, cem_admin;
GRANT SELECT ON api.audit TO cem_admin;
