-- The programs that run the jobs, and which run of which job was whose: a slot of a job is claimed by one of them.

CREATE TABLE cem.instance (
    instance text PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leads_since timestamptz
);
COMMENT ON TABLE cem.instance IS 'Running programs; one that leads has leads_since. One not seen for a minute is gone.';

CREATE TABLE cem.job_slot (
    job text NOT NULL,
    slot timestamptz NOT NULL,
    instance text NOT NULL,
    attempt smallint NOT NULL DEFAULT 1,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    ok boolean,
    error text,
    PRIMARY KEY (job, slot)
);
CREATE INDEX job_slot_unfinished ON cem.job_slot (job) WHERE finished_at IS NULL;
CREATE INDEX job_slot_good ON cem.job_slot (job, finished_at) WHERE ok;
COMMENT ON TABLE cem.job_slot IS
    'A row is a claim: whoever inserts (job, slot) runs it. error is a kind, such as limit (ended at its time limit) or lost (its program died).';

CREATE VIEW api.jobs WITH (security_barrier) AS
SELECT s.job, s.slot, s.instance, s.started_at, s.finished_at, s.ok, s.error, s.attempt, g.last_success,
       CASE WHEN s.finished_at IS NULL THEN s.started_at END AS running_since,
       (SELECT min(f.finished_at) FROM cem.job_slot f WHERE f.job = s.job AND NOT f.ok
        AND f.finished_at > coalesce(g.last_success, '-infinity')) AS failing_since
FROM (SELECT DISTINCT job FROM cem.job_slot) names
CROSS JOIN LATERAL (SELECT * FROM cem.job_slot o WHERE o.job = names.job ORDER BY o.slot DESC LIMIT 1) s
LEFT JOIN LATERAL (SELECT max(o.finished_at) AS last_success FROM cem.job_slot o WHERE o.job = names.job AND o.ok) g
    ON true;
COMMENT ON VIEW api.jobs IS 'The newest run of each job; failing_since is null unless every run since the last good one failed.';

CREATE VIEW api.instances WITH (security_barrier) AS
SELECT instance, host, pid, started_at, seen_at, leads_since,
       seen_at > clock_timestamp() - INTERVAL '1 minute' AS alive
FROM cem.instance;

GRANT SELECT ON api.jobs, api.instances TO cem_operations, cem_analyst, cem_admin;
