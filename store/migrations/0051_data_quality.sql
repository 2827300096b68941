-- How good the data of each source were, by 15-minute window, against the source's own history.

CREATE TABLE cem.source_window (
    source_id smallint NOT NULL REFERENCES cem.source,
    kind text NOT NULL,
    start timestamptz NOT NULL,
    received bigint NOT NULL,
    expected real,
    expected_low real,
    history text,
    lateness_p50_s real,
    lateness_p95_s real,
    late bigint NOT NULL,
    duplicate bigint NOT NULL,
    quarantined jsonb NOT NULL,
    missing jsonb NOT NULL,
    profile jsonb NOT NULL,
    findings jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('learning', 'good', 'silent', 'outage')),
    reason text,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (kind, source_id, start)
);
CREATE INDEX source_window_by_time ON cem.source_window (start);
COMMENT ON TABLE cem.source_window IS
    'received, late and lateness are of event times in the window; duplicate and quarantined of arrivals in it. State silent or outage: the window says nothing of the network.';
COMMENT ON COLUMN cem.source_window.profile IS 'Column to [number of values in the sample, lower quartile, median, upper quartile].';

CREATE INDEX batch_by_arrival ON cem.batch (arrived_at);

CREATE VIEW api.source_windows WITH (security_barrier) AS
SELECT s.name AS source, w.kind, w.start, w.received, w.expected, w.expected_low, w.history, w.lateness_p50_s,
       w.lateness_p95_s, w.late, w.duplicate, w.quarantined, w.missing, w.findings, w.state, w.reason, w.made_at,
       w.state IN ('silent', 'outage') AS blank
FROM cem.source_window w JOIN cem.source s USING (source_id);

CREATE VIEW api.source_outages WITH (security_barrier) AS
SELECT s.name AS source, o.target, o.started_at, o.ended_at, o.reason
FROM cem.source_outage o JOIN cem.source s USING (source_id);

GRANT SELECT ON api.source_windows, api.source_outages TO cem_operations, cem_analyst, cem_care, cem_admin;
