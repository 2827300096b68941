-- Bad days of the trailing periods: how often, how long in a row, how lately.

ALTER TABLE cem.user_period
    ADD COLUMN known_days smallint,
    ADD COLUMN bad_days smallint,
    ADD COLUMN longest_bad_run smallint,
    ADD COLUMN last_bad timestamptz,
    ADD COLUMN recent_bad_share real,
    ADD COLUMN persistence real,
    ADD COLUMN persistence_c real;
COMMENT ON COLUMN cem.user_period.last_bad IS 'Start of the newest bad local day: unlike its age it stays while no day enters or leaves.';
COMMENT ON COLUMN cem.user_period.persistence_c IS 'What the penalty of bad days took off the overall index; 0 unless the catalogue asks for it.';

CREATE OR REPLACE VIEW api.customer_periods WITH (security_barrier) AS
SELECT u.customer_key, p.start, u.days, u.n, u.bad, u.network, u.device, u.app, u.service, u.overall, u.lo, u.hi,
       u.coverage, api.dimension(u.limiting) AS limiting, u.network_c, u.device_c, u.app_c, u.service_c, u.prior_c,
       v.model_version, v.catalogue_version, v.baseline_id, u.start AS last_seen, u.known_days, u.bad_days,
       u.longest_bad_run,
       (p.start AT TIME ZONE z.name)::date - (u.last_bad AT TIME ZONE z.name)::date AS days_since_bad,
       u.recent_bad_share, u.persistence, u.persistence_c
FROM cem.user_period u
JOIN cem.version v USING (version_id)
JOIN cem.period p USING (days)
CROSS JOIN (SELECT coalesce((SELECT value FROM cem.installation WHERE name = 'time_zone'), 'UTC') AS name) z;
