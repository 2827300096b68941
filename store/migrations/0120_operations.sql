-- What operations look at: cells on the map and over time, whom a cluster hurts by segment, complaints by hour.

CREATE TABLE cem.cluster_segment (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    segment integer NOT NULL,
    users integer NOT NULL,
    users_hurt integer NOT NULL,
    PRIMARY KEY (cluster_id, segment)
);
COMMENT ON TABLE cem.cluster_segment IS 'Users of a cluster by segment (label; 0: not known).';

-- Users of a cluster by value tier and segment. A number below k is hidden, and so many of the next larger ones with
-- it that what is left of the cluster's own number is k at least: a difference tells no small group.
CREATE VIEW api.cluster_parts WITH (security_barrier) AS
WITH part AS (
    SELECT cluster_id, 'vip_level' AS attribute, tier AS code, users, users_hurt FROM cem.cluster_tier
    UNION ALL SELECT cluster_id, 'segment', segment, users, users_hurt FROM cem.cluster_segment
), ordered AS (
    SELECT p.*, row_number() OVER u AS u_place, sum(users) OVER u - users AS u_before, min(users) OVER u AS u_least,
           row_number() OVER h AS h_place, sum(users_hurt) OVER h - users_hurt AS h_before,
           min(users_hurt) OVER h AS h_least, api.k_anonymity() AS k
    FROM part p
    WINDOW u AS (PARTITION BY cluster_id, attribute ORDER BY users, code ROWS UNBOUNDED PRECEDING),
           h AS (PARTITION BY cluster_id, attribute, users_hurt = 0 ORDER BY users_hurt, code
                 ROWS UNBOUNDED PRECEDING)
), judged AS (
    SELECT o.*, u_least >= k OR (u_place > 2 AND u_before >= k) AS u_shown,
           users_hurt = 0 OR h_least >= k OR (h_place > 2 AND h_before >= k) AS h_shown
    FROM ordered o
)
SELECT j.cluster_id, j.attribute, l.value, CASE WHEN u_shown THEN users END AS users,
       CASE WHEN u_shown AND h_shown THEN users_hurt END AS users_hurt
FROM judged j LEFT JOIN cem.label l ON l.label_id = j.code;

-- The newest row of each cell of the inventory; a cell without an object of its own name reports under its own.
CREATE VIEW api.cells WITH (security_barrier) AS
SELECT DISTINCT ON (c.cell_id) n.value AS cell_id, s.value AS site_id, r.value AS rat, b.value AS band, c.lat, c.lon,
       c.azimuth_deg, v.value AS vendor, g.value AS region, t.value AS city, coalesce(o.value, n.value) AS object_id
FROM cem.cell_now c
JOIN cem.label n ON n.label_id = c.cell_id
LEFT JOIN cem.label s ON s.label_id = c.site_id
LEFT JOIN cem.label r ON r.label_id = c.rat
LEFT JOIN cem.label b ON b.label_id = c.band
LEFT JOIN cem.label v ON v.label_id = c.vendor
LEFT JOIN cem.label g ON g.label_id = c.region
LEFT JOIN cem.label t ON t.label_id = c.city
LEFT JOIN cem.label o ON o.label_id = c.object_id
ORDER BY c.cell_id, c.valid_from DESC;

-- How many complaints a cluster explains, without reading the complaints.
CREATE VIEW api.cluster_links WITH (security_barrier) AS
SELECT k.cluster_id, s.name AS source, k.complaint_id, k.probability
FROM cem.complaint_link k JOIN cem.source s USING (source_id);

-- As before, but by the key of each linked complaint: the view of all complaints sorts every one of them first.
CREATE OR REPLACE VIEW api.cluster_complaints WITH (security_barrier) AS
SELECT k.cluster_id, s.name AS source, k.complaint_id, k.probability, k.reasons, c.created_at,
       api.label(c.channel) AS channel, api.label(c.category) AS category, api.label(c.status) AS status,
       CASE WHEN api.sees_persons() THEN c.text END AS text,
       CASE WHEN api.sees_persons() THEN coalesce(o.customer_key, c.subscriber_key) END AS customer_key
FROM cem.complaint_link k
JOIN cem.source s USING (source_id)
CROSS JOIN LATERAL (
    SELECT * FROM cem.complaint v WHERE (v.source_id, v.complaint_id) = (k.source_id, k.complaint_id)
    ORDER BY v.version_at DESC, v.arrived_at DESC, v.batch_id DESC LIMIT 1) c
LEFT JOIN LATERAL (
    SELECT customer_key FROM cem.customer_of m
    WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
    ORDER BY m.valid_from DESC LIMIT 1) o ON true;

-- One group over time: the primary key orders by time first, and a week of all cells is millions of rows.
CREATE INDEX group_index_series ON cem.group_index (attribute, value, grain, start);

CREATE FUNCTION api.group_trend(asked_attribute text, asked_value text, asked_grain text, from_time timestamptz,
    to_time timestamptz)
RETURNS TABLE (start timestamptz, n_users integer, n integer, bad_ratio double precision,
    expected_ratio double precision, overall real, lo real, hi real, network real, device real, app real, service real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT g.start, g.n_users, g.n, g.bad / nullif(g.n, 0)::double precision,
           g.expected_bad / nullif(g.n, 0)::double precision, g.overall, g.overall_lo, g.overall_hi,
           g.network, g.device, g.app, g.service
    FROM cem.group_index g
    WHERE g.attribute = asked_attribute AND g.grain = asked_grain AND g.start >= from_time AND g.start < to_time
      AND g.value = (SELECT label_id FROM cem.label WHERE kind = asked_attribute AND value = asked_value)
      AND g.n_users >= api.k_anonymity()
    ORDER BY g.start
$$;
COMMENT ON FUNCTION api.group_trend IS 'One group in [from_time, to_time) by window; windows of fewer than k users are left out.';

CREATE FUNCTION api.kpi_series(asked_objects text[], from_time timestamptz, to_time timestamptz)
RETURNS TABLE (object_id text, kpi text, start timestamptz, period_s integer, value double precision,
    lo double precision, hi double precision, coverage real, flags text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.value, k.kpi, k.start, k.period_s, k.value, k.lo, k.hi, k.coverage, k.flags
    FROM cem.label l JOIN cem.kpi_value k ON k.object_id = l.label_id
    WHERE l.kind IN ('object', 'cell') AND l.value = ANY(asked_objects) AND k.start >= from_time AND k.start < to_time
    ORDER BY k.start
$$;
COMMENT ON FUNCTION api.kpi_series IS 'All KPIs of some network objects whose period starts in [from_time, to_time).';

CREATE FUNCTION api.alarms_of(asked_objects text[], from_time timestamptz, to_time timestamptz)
RETURNS TABLE ("time" timestamptz, object_id text, source text, alarm_id text, cleared boolean, severity text,
    alarm_condition text, specific_problem text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT a.time, l.value, s.name, a.alarm_id, a.cleared, api.label(a.severity), api.label(a.alarm_condition),
           a.specific_problem
    FROM cem.label l JOIN cem.alarm a ON a.object_id = l.label_id JOIN cem.source s USING (source_id)
    WHERE l.value = ANY(asked_objects) AND l.kind IN ('object', 'cell', 'site')
      AND a.time >= from_time AND a.time < to_time
    ORDER BY a.time
$$;
COMMENT ON FUNCTION api.alarms_of IS 'Alarms of some network objects in [from_time, to_time), oldest first.';

CREATE FUNCTION api.complaint_counts(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start timestamptz, complaints bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT date_trunc('hour', created_at), count(DISTINCT (source_id, complaint_id))
    FROM cem.complaint WHERE created_at >= from_time AND created_at < to_time GROUP BY 1
$$;
COMMENT ON FUNCTION api.complaint_counts IS 'Complaints made in [from_time, to_time) by hour, each once however often it was changed.';

REVOKE EXECUTE ON FUNCTION api.group_trend, api.kpi_series, api.alarms_of, api.complaint_counts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.group_trend, api.kpi_series, api.alarms_of, api.complaint_counts
    TO cem_operations, cem_analyst, cem_care, cem_admin;
GRANT SELECT ON api.cluster_parts, api.cells, api.cluster_links TO cem_operations, cem_analyst, cem_care, cem_admin;
