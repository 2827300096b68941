-- One customer's page keeps to the time in which an identifier was theirs: a number that passed to somebody else brought
-- the new holder's sessions, places, answers and name onto the old holder's page, and the other way round.

-- Whose an identifier is holds from one row of customer_of to the next; before the first it is a customer of its own.
-- Joined, it is inlined: the planner sees the keys, and reaches the sessions by them.
CREATE FUNCTION cem.held_by(asked_key bigint)
RETURNS TABLE (subscriber_key bigint, valid_from timestamptz, valid_until timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT m.subscriber_key, m.valid_from, coalesce((
        SELECT min(n.valid_from) FROM cem.customer_of n
        WHERE n.subscriber_key = m.subscriber_key AND n.valid_from > m.valid_from), 'infinity')
    FROM cem.customer_of m WHERE m.customer_key = asked_key
    UNION ALL
    SELECT asked_key, '-infinity', coalesce((
        SELECT min(n.valid_from) FROM cem.customer_of n WHERE n.subscriber_key = asked_key), 'infinity')
$$;
COMMENT ON FUNCTION cem.held_by IS 'The identifiers of one customer, each with [valid_from, valid_until) in which it was theirs; until infinity: still is.';
REVOKE EXECUTE ON FUNCTION cem.held_by FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cem.held_by TO cem_loader, cem_reader, cem_explain;

CREATE OR REPLACE FUNCTION api.customer_exposure(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (attribute text, value integer, sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH mine AS (
        SELECT r.cell_id, r.app, r.server, r.core_node,
               (SELECT d.model FROM cem.device_now d WHERE d.tac = r.tac LIMIT 1) AS model
        FROM cem.session r
        JOIN cem.held_by(asked_key) h ON h.subscriber_key = r.subscriber_key
            AND r.start_time >= h.valid_from AND r.start_time < h.valid_until
        WHERE r.start_time >= from_time AND r.start_time < to_time)
    SELECT pair.attribute, pair.value, count(*) FROM mine, LATERAL (VALUES
        ('cell', cell_id), ('model', model), ('app', app), ('server', server), ('core_node', core_node)
    ) AS pair (attribute, value)
    WHERE pair.value IS NOT NULL GROUP BY 1, 2
$$;

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
    JOIN cem.held_by(asked_key) h ON h.subscriber_key = r.subscriber_key
        AND r.start_time >= h.valid_from AND r.start_time < h.valid_until
    WHERE r.start_time >= from_time AND r.start_time < to_time
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
    JOIN cem.held_by(asked_key) h ON h.subscriber_key = r.subscriber_key
        AND r.time >= h.valid_from AND r.time < h.valid_until
    WHERE r.time >= from_time AND r.time < to_time
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
    JOIN cem.held_by(asked_key) h ON h.subscriber_key = r.subscriber_key
        AND r.start_time >= h.valid_from AND r.start_time < h.valid_until
    WHERE r.start_time >= from_time AND r.start_time < to_time AND r.cell_id IS NOT NULL
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
    JOIN cem.held_by(asked_key) h ON h.subscriber_key = r.subscriber_key
        AND r.start_time >= h.valid_from AND r.start_time < h.valid_until
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
    JOIN cem.held_by(asked_key) h ON h.subscriber_key = y.subscriber_key
        AND y.time >= h.valid_from AND y.time < h.valid_until
    ORDER BY y.time DESC LIMIT 100;
END
$$;

-- What the inventory said before an identifier came to this customer may be of its holder before: the last resort.
CREATE OR REPLACE FUNCTION api.customer_profile(asked_key bigint)
RETURNS TABLE (plan text, segment text, vip_level text, tenure_months integer, identifiers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH tokens AS (
        SELECT h.subscriber_key, max(h.valid_from) AS since
        FROM cem.held_by(asked_key) h WHERE h.valid_until = 'infinity' GROUP BY h.subscriber_key)
    SELECT api.label(p.plan), api.label(p.segment), api.label(p.vip_level), p.tenure_months,
           (SELECT count(*) FROM tokens)
    FROM (SELECT s.* FROM cem.subscriber s JOIN tokens t USING (subscriber_key)
          ORDER BY s.valid_from >= t.since DESC, s.valid_from DESC, s.arrived_at DESC, s.batch_id DESC LIMIT 1) p
$$;

CREATE OR REPLACE FUNCTION act.reveal_customer(asked_key bigint, reason text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    sealed_ jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(s.token::text, encode(s.sealed, 'hex')) ORDER BY s.token) INTO sealed_
    FROM vault.subject s
    WHERE s.sealed IS NOT NULL AND s.token IN (
        SELECT h.subscriber_key FROM cem.held_by(asked_key) h WHERE h.valid_until = 'infinity');
    PERFORM cem.acting('reveal', asked_key, reason,
                       jsonb_build_object('identifiers', jsonb_array_length(coalesce(sealed_, '[]'))));
    RETURN coalesce(sealed_, '[]');
END
$$;
COMMENT ON FUNCTION act.reveal_customer IS 'The sealed identifiers that are a customer''s now: [token, hexadecimal] each.';
