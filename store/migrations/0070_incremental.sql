-- Days and trailing periods follow only the customers that changed; runs say what they were made of;
-- and how fresh the scores of each source are.

CREATE TABLE cem.touched (
    kind text NOT NULL CHECK (kind IN ('days', 'periods')),
    start timestamptz NOT NULL,
    customer_key bigint
);
CREATE INDEX touched_by_start ON cem.touched (kind, start);
COMMENT ON TABLE cem.touched IS
    'Customers whose hour (kind days) or day (kind periods) at start changed and is not merged further yet; a row without a customer stands for all of that window.';

CREATE TABLE cem.period (
    days smallint PRIMARY KEY,
    start timestamptz NOT NULL
);
COMMENT ON TABLE cem.period IS 'The local day that the trailing periods of so many days end with.';
INSERT INTO cem.period SELECT days, max(start) FROM cem.user_period GROUP BY days;

ALTER TABLE cem.user_period DROP CONSTRAINT user_period_pkey;
ALTER TABLE cem.user_period ADD PRIMARY KEY (customer_key, days);
COMMENT ON TABLE cem.user_period IS
    'Trailing 7 and 28 days that end with the day in cem.period; start is the newest of them on which the customer was seen.';

ALTER TABLE cem.run
    ADD COLUMN windows integer,
    ADD COLUMN input_rows bigint,
    ADD COLUMN versions jsonb,
    ADD COLUMN seconds double precision,
    ADD COLUMN engine text,
    ADD COLUMN processes smallint;

CREATE TABLE cem.scored (
    source_id smallint NOT NULL,
    kind text NOT NULL,
    last_event timestamptz NOT NULL,
    scored_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, kind)
);
COMMENT ON TABLE cem.scored IS 'The newest event of each source that is in a score, and when that score was made.';

CREATE OR REPLACE VIEW api.runs WITH (security_barrier) AS
SELECT run_id, job, started_at, finished_at, ok, counts, error, windows, input_rows, versions, seconds, engine,
       processes
FROM cem.run;

CREATE OR REPLACE VIEW api.customer_periods WITH (security_barrier) AS
SELECT u.customer_key, p.start, u.days, u.n, u.bad, u.network, u.device, u.app, u.service, u.overall, u.lo, u.hi,
       u.coverage, api.dimension(u.limiting) AS limiting, u.network_c, u.device_c, u.app_c, u.service_c, u.prior_c,
       v.model_version, v.catalogue_version, v.baseline_id, u.start AS last_seen
FROM cem.user_period u JOIN cem.version v USING (version_id) JOIN cem.period p USING (days);

CREATE VIEW api.freshness WITH (security_barrier) AS
SELECT s.name AS source, w.kind, w.watermark AS newest_event,
       date_bin('15 minutes', w.watermark, 'epoch') AS closed_until, d.last_event AS scored_event, d.scored_at,
       extract(epoch FROM w.watermark - d.last_event)::double precision AS behind_s,
       extract(epoch FROM now() - d.last_event)::double precision AS age_s
FROM cem.watermark w JOIN cem.source s USING (source_id) LEFT JOIN cem.scored d USING (source_id, kind)
WHERE w.kind IN ('sessions', 'touchpoints');
COMMENT ON VIEW api.freshness IS
    'closed_until: the end of the last 15-minute window that the source has passed; behind_s: events delivered and not scored.';
GRANT SELECT ON api.freshness TO cem_operations, cem_analyst, cem_care, cem_admin;
