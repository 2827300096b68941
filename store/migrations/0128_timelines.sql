-- Timelines planned with the moments that are asked for, and complaints without a function call a word.

-- As before, in PL/pgSQL: a function in SQL is planned without knowing its arguments, for every hour of sessions that is
-- stored; on a demo city of ten days that plan took 400 ms, and the reading itself 2.

CREATE OR REPLACE FUNCTION api.session_timeline(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start_time timestamptz, source text, session_id text, duration_ms integer, tac integer, cell_id text,
    access text, service text, app text, server text, core_node text, plan text, success boolean, failure_cause text,
    bytes_dl bigint, bytes_ul bigint, throughput_dl_kbps real, throughput_ul_kbps real, rtt_client_ms real,
    rtt_server_ms real, loss_dl real, loss_ul real, jitter_ms real, ttfb_ms real, page_load_ms real, startup_ms real,
    stall_count real, stall_ms real, play_ms real, setup_ms real, delay_ms real, dropped boolean, deliver_ms real,
    rsrp_dbm real, sinr_db real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT r.start_time, s.name, r.session_id, r.duration_ms, r.tac, api.label(r.cell_id), api.label(r.access),
        api.label(r.service), api.label(r.app), api.label(r.server), api.label(r.core_node), api.label(r.plan),
        r.success, api.label(r.failure_cause), r.bytes_dl, r.bytes_ul, r.throughput_dl_kbps, r.throughput_ul_kbps,
        r.rtt_client_ms, r.rtt_server_ms, r.loss_dl, r.loss_ul, r.jitter_ms, r.ttfb_ms, r.page_load_ms, r.startup_ms,
        r.stall_count, r.stall_ms, r.play_ms, r.setup_ms, r.delay_ms, r.dropped, r.deliver_ms, r.rsrp_dbm, r.sinr_db
    FROM cem.session r JOIN cem.source s USING (source_id)
    WHERE r.start_time >= from_time AND r.start_time < to_time
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY r.start_time;
END
$$;

CREATE OR REPLACE FUNCTION api.touchpoint_timeline(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE ("time" timestamptz, source text, event_id text, channel text, activity text, stage text, wait_s real,
    handle_s real, success boolean, transfers integer, rating integer, product text, campaign text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT r.time, s.name, r.event_id, api.label(r.channel), api.label(r.activity), api.label(r.stage), r.wait_s,
        r.handle_s, r.success, r.transfers, r.rating, api.label(r.product), api.label(r.campaign)
    FROM cem.touchpoint r JOIN cem.source s USING (source_id)
    WHERE r.time >= from_time AND r.time < to_time
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY r.time;
END
$$;

CREATE OR REPLACE FUNCTION api.customer_cells(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (cell text, start timestamptz, sessions bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT api.label(r.cell_id), to_timestamp(floor(extract(epoch FROM r.start_time) / 900) * 900), count(*)
    FROM cem.session r
    WHERE r.start_time >= from_time AND r.start_time < to_time AND r.cell_id IS NOT NULL
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    GROUP BY 1, 2;
END
$$;

CREATE OR REPLACE FUNCTION api.customer_replay(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start_time timestamptz, source text, session_id text, duration_ms integer, service text, app text,
    access text, cell_id text, site text, region text, lat real, lon real, model text, server text, core_node text,
    success boolean, dropped boolean, failure_cause text, throughput_dl_kbps real, rtt_client_ms real,
    rtt_server_ms real, loss_dl real, stall_ms real, page_load_ms real, rsrp_dbm real, sinr_db real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
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
    ORDER BY r.start_time, r.session_id LIMIT 1000;
END
$$;

CREATE OR REPLACE FUNCTION api.customer_answers(asked_key bigint)
RETURNS TABLE ("time" timestamptz, kind text, score real, text text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT y.time, api.label(y.kind), y.score, y.text FROM cem.survey y
    WHERE y.subscriber_key IN (
        SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    ORDER BY y.time DESC LIMIT 100;
END
$$;

-- Words by joins, not by a call for each: a call takes longer than the rest of a row, and the list is sorted by time
-- only after all of its columns are made. The likeliest cause comes with the row.
CREATE OR REPLACE VIEW api.complaint_readings WITH (security_barrier) AS
SELECT s.name AS source, c.complaint_id, c.created_at, ch.value AS channel, ca.value AS category, ap.value AS app,
       ce.value AS cell_id, st.value AS status, r.topic, r.confidence, r.classifier,
       greatest(r.unexplained - coalesce(g.surged, 0), 0) AS unexplained,
       CASE WHEN (SELECT api.sees_persons()) THEN c.text END AS text,
       CASE WHEN (SELECT api.sees_persons()) THEN coalesce(o.customer_key, c.subscriber_key) END AS customer_key,
       l.cluster_id, l.probability
FROM cem.complaint_now c
JOIN cem.source s USING (source_id)
LEFT JOIN cem.complaint_reading r USING (source_id, complaint_id)
LEFT JOIN cem.label ch ON ch.label_id = c.channel
LEFT JOIN cem.label ca ON ca.label_id = c.category
LEFT JOIN cem.label ap ON ap.label_id = c.app
LEFT JOIN cem.label ce ON ce.label_id = c.cell_id
LEFT JOIN cem.label st ON st.label_id = c.status
LEFT JOIN LATERAL (
    SELECT k.cluster_id, k.probability FROM cem.complaint_link k
    WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id)
    ORDER BY k.probability DESC, k.cluster_id LIMIT 1) l ON true
LEFT JOIN LATERAL (
    SELECT sum(k.probability) AS surged FROM cem.complaint_link k JOIN cem.cluster u USING (cluster_id)
    WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id) AND u.over_kind = 'complaints') g ON true
LEFT JOIN LATERAL (
    SELECT customer_key FROM cem.customer_of m
    WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
    ORDER BY m.valid_from DESC LIMIT 1) o ON true;
