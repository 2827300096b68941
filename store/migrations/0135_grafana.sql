-- What Grafana reads: groups, clusters and the running of the house; no view in which a row is one person's.

DO $$
BEGIN
    -- A role belongs to the whole server: another database of ours may have made it, or be making it now.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cem_grafana') THEN
        CREATE ROLE cem_grafana NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Complaints as counts by local day and topic. There is no total beside them, and a topic of fewer than k complainers
-- is not shown, so no difference of two figures is a small group.
CREATE VIEW api.complaint_days WITH (security_barrier) AS
SELECT date_trunc('day', c.created_at, z.name) AS start, r.topic, count(*) AS complaints,
       count(DISTINCT c.subscriber_key) AS customers,
       round(count(*) - sum(coalesce(r.unexplained, 1))::numeric, 1)::double precision AS explained
FROM cem.complaint_now c
JOIN cem.complaint_reading r USING (source_id, complaint_id)
CROSS JOIN (SELECT coalesce((SELECT value FROM cem.installation WHERE name = 'time_zone'), 'UTC') AS name) z
GROUP BY 1, 2
HAVING count(DISTINCT c.subscriber_key) >= api.k_anonymity();
COMMENT ON VIEW api.complaint_days IS 'Complaints of a local day by topic; explained: what clusters of sessions and touchpoints account for.';

GRANT SELECT ON api.complaint_days TO cem_operations, cem_analyst, cem_care, cem_admin, cem_grafana;

GRANT USAGE ON SCHEMA api TO cem_grafana;
GRANT SELECT ON api.groups, api.kpis, api.kqis, api.clusters, api.cluster_windows, api.cluster_tiers, api.cluster_risks,
    api.complaint_surges, api.effects, api.verdicts, api.group_fairness, api.alarms, api.alerts, api.sources,
    api.source_windows, api.source_outages, api.freshness, api.batches, api.runs, api.waiting, api.status
    TO cem_grafana;
