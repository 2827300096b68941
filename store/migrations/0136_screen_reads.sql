-- Readings of the screens that grew with all that there is: each now reaches an index, or reads one day, hour or cluster.

-- As before, by hashes instead of sorting all versions of all complaints.
CREATE OR REPLACE FUNCTION api.complaint_counts(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start timestamptz, complaints bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT date_trunc('hour', made_at), count(*) FROM (
        SELECT min(created_at) AS made_at FROM cem.complaint WHERE created_at >= from_time AND created_at < to_time
        GROUP BY source_id, complaint_id) once
    GROUP BY 1
$$;

-- As before, but `unexplained` is missing where nobody looked yet (greatest() made 0 of it, as if all were explained),
-- and whose complaint it is is looked up only where it is asked for.
CREATE OR REPLACE VIEW api.complaint_readings WITH (security_barrier) AS
SELECT s.name AS source, c.complaint_id, c.created_at, ch.value AS channel, ca.value AS category, ap.value AS app,
       ce.value AS cell_id, st.value AS status, r.topic, r.confidence, r.classifier,
       CASE WHEN r.unexplained IS NOT NULL THEN greatest(r.unexplained - coalesce((
           SELECT sum(k.probability) FROM cem.complaint_link k JOIN cem.cluster u USING (cluster_id)
           WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id) AND u.over_kind = 'complaints'), 0), 0)
       END AS unexplained,
       CASE WHEN (SELECT api.sees_persons()) THEN c.text END AS text,
       CASE WHEN (SELECT api.sees_persons()) THEN coalesce((
           SELECT m.customer_key FROM cem.customer_of m
           WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
           ORDER BY m.valid_from DESC LIMIT 1), c.subscriber_key) END AS customer_key,
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
    ORDER BY k.probability DESC, k.cluster_id LIMIT 1) l ON true;

-- From the newest backwards by the index of times, until there are enough.
CREATE FUNCTION api.newest_complaints(from_time timestamptz, to_time timestamptz, asked_topic text,
    without_cause boolean, most integer)
RETURNS TABLE (source text, complaint_id text, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT s.name, c.complaint_id, c.created_at
    FROM cem.complaint_now c
    JOIN cem.source s USING (source_id)
    LEFT JOIN cem.complaint_reading r ON (r.source_id, r.complaint_id) = (c.source_id, c.complaint_id)
    WHERE c.created_at >= from_time AND c.created_at < to_time AND (asked_topic IS NULL OR r.topic = asked_topic)
      AND (NOT without_cause OR (r.unexplained IS NOT NULL AND NOT EXISTS (
          SELECT FROM cem.complaint_link k
          WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id) AND k.probability >= 0.5)))
    ORDER BY c.created_at DESC, c.complaint_id LIMIT most;
END
$$;
COMMENT ON FUNCTION api.newest_complaints IS 'Which complaints of [from_time, to_time) were made last; without_cause: looked at, and no cluster explains them at 0.5 or more.';

CREATE VIEW api.cluster_topics WITH (security_barrier) AS
SELECT k.cluster_id, s.name AS source, k.complaint_id, r.topic
FROM cem.complaint_link k
JOIN cem.complaint_reading r USING (source_id, complaint_id)
JOIN cem.source s USING (source_id);
COMMENT ON VIEW api.cluster_topics IS 'The class of each complaint that is linked to a cluster.';

CREATE FUNCTION api.effects_day() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT max(day) FROM cem.effect $$;
COMMENT ON FUNCTION api.effects_day IS 'The newest day of the joint effects.';

-- Asked as (SELECT api.newest_window(...)) it is found once and reaches the index below a view that hides small groups;
-- within coalesce(), which may leak for all that PostgreSQL knows, it would not.
CREATE FUNCTION api.newest_window(asked_grain text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT max(start) FROM cem.group_index WHERE grain = asked_grain AND attribute = 'all'
$$;
COMMENT ON FUNCTION api.newest_window IS 'Start of the newest scored window of a grain: 15m, hour or day.';

REVOKE EXECUTE ON FUNCTION api.newest_complaints, api.effects_day, api.newest_window FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.newest_complaints, api.effects_day, api.newest_window
    TO cem_operations, cem_analyst, cem_care, cem_admin;
GRANT EXECUTE ON FUNCTION api.newest_window TO cem_grafana;
GRANT SELECT ON api.cluster_topics TO cem_operations, cem_analyst, cem_care, cem_admin;
