-- One customer's page: who they are to the operator, sessions with their places, complaints, answers; by index alone.

-- The current version by comparison, not by sorting all of them: a bound on time or person now reaches the index.
CREATE OR REPLACE VIEW cem.complaint_now AS
SELECT c.* FROM cem.complaint c
WHERE NOT EXISTS (
    SELECT FROM cem.complaint n
    WHERE (n.source_id, n.complaint_id) = (c.source_id, c.complaint_id)
      AND (n.version_at, n.arrived_at) > (c.version_at, c.arrived_at));

CREATE FUNCTION api.customer_profile(asked_key bigint)
RETURNS TABLE (plan text, segment text, vip_level text, tenure_months integer, identifiers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH tokens AS (
        SELECT asked_key AS subscriber_key UNION
        SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    SELECT api.label(p.plan), api.label(p.segment), api.label(p.vip_level), p.tenure_months,
           (SELECT count(*) FROM tokens)
    FROM (SELECT s.* FROM cem.subscriber s JOIN tokens USING (subscriber_key)
          ORDER BY s.valid_from DESC, s.arrived_at DESC, s.batch_id DESC LIMIT 1) p
$$;
COMMENT ON FUNCTION api.customer_profile IS 'Plan, segment, value tier and months with the operator; how many identifiers are theirs.';

CREATE FUNCTION api.customer_replay(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start_time timestamptz, source text, session_id text, duration_ms integer, service text, app text,
    access text, cell_id text, site text, region text, lat real, lon real, model text, server text, core_node text,
    success boolean, dropped boolean, failure_cause text, throughput_dl_kbps real, rtt_client_ms real,
    rtt_server_ms real, loss_dl real, stall_ms real, page_load_ms real, rsrp_dbm real, sinr_db real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.start_time, s.name, r.session_id, r.duration_ms, api.label(r.service), api.label(r.app),
        api.label(r.access), api.label(r.cell_id), api.label(coalesce(c.site_id, a.site_id)),
        api.label(coalesce(c.region, a.region)), coalesce(c.lat, a.lat), coalesce(c.lon, a.lon), api.label(d.model),
        api.label(r.server), api.label(r.core_node), r.success, r.dropped, api.label(r.failure_cause),
        r.throughput_dl_kbps, r.rtt_client_ms, r.rtt_server_ms, r.loss_dl, r.stall_ms, r.page_load_ms, r.rsrp_dbm,
        r.sinr_db
    FROM cem.session r
    JOIN cem.source s USING (source_id)
    LEFT JOIN LATERAL (
        SELECT site_id, region, lat, lon FROM cem.cell i WHERE i.cell_id = r.cell_id AND i.valid_from <= r.start_time
        ORDER BY i.valid_from DESC, i.arrived_at DESC, i.batch_id DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (
        SELECT site_id, region, lat, lon FROM cem.access_node i
        WHERE i.access_node = r.access_node AND i.valid_from <= r.start_time
        ORDER BY i.valid_from DESC, i.arrived_at DESC, i.batch_id DESC LIMIT 1) a ON true
    LEFT JOIN LATERAL (
        SELECT model FROM cem.device i WHERE i.tac = r.tac AND i.valid_from <= r.start_time
        ORDER BY i.valid_from DESC, i.arrived_at DESC, i.batch_id DESC LIMIT 1) d ON true
    WHERE r.start_time >= from_time AND r.start_time < to_time
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY r.start_time, r.session_id LIMIT 1000
$$;
COMMENT ON FUNCTION api.customer_replay IS 'Sessions of one customer in [from_time, to_time) with the places of their cells, at most 1,000.';

CREATE FUNCTION api.customer_complaints(asked_key bigint)
RETURNS TABLE (source text, complaint_id text, created_at timestamptz, topic text, category text, channel text,
    status text, resolved_at timestamptz, text text, unexplained double precision, cluster_id text,
    probability double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.name, c.complaint_id, c.created_at, r.topic, api.label(c.category), api.label(c.channel),
        api.label(c.status), c.resolved_at, c.text,
        greatest(r.unexplained - coalesce((
            SELECT sum(k.probability) FROM cem.complaint_link k JOIN cem.cluster g USING (cluster_id)
            WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id) AND g.over_kind = 'complaints'), 0), 0),
        l.cluster_id, l.probability
    FROM cem.complaint_now c
    JOIN cem.source s USING (source_id)
    LEFT JOIN cem.complaint_reading r USING (source_id, complaint_id)
    LEFT JOIN LATERAL (
        SELECT k.cluster_id, k.probability FROM cem.complaint_link k
        WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id)
        ORDER BY k.probability DESC, k.cluster_id LIMIT 1) l ON true
    WHERE c.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
      AND asked_key = coalesce((
          SELECT m.customer_key FROM cem.customer_of m
          WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
          ORDER BY m.valid_from DESC LIMIT 1), c.subscriber_key)
    ORDER BY c.created_at DESC
$$;
COMMENT ON FUNCTION api.customer_complaints IS 'Complaints of one customer with class and likeliest cause: there is no way to ask for all.';

CREATE FUNCTION api.customer_answers(asked_key bigint)
RETURNS TABLE ("time" timestamptz, kind text, score real, text text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT y.time, api.label(y.kind), y.score, y.text FROM cem.survey y
    WHERE y.subscriber_key IN (
        SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY y.time DESC LIMIT 100
$$;
COMMENT ON FUNCTION api.customer_answers IS 'The newest survey answers of one customer.';

REVOKE EXECUTE ON FUNCTION api.customer_profile, api.customer_replay, api.customer_complaints, api.customer_answers
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.customer_profile, api.customer_replay, api.customer_complaints, api.customer_answers
    TO cem_care, cem_admin;

CREATE VIEW api.complaint_topics WITH (security_barrier) AS
SELECT DISTINCT topic FROM cem.complaint_reading;
GRANT SELECT ON api.complaint_topics TO cem_operations, cem_analyst, cem_care, cem_admin;
