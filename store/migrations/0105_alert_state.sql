-- The state of alerts: who is responsible, who answered, what is part of what; every change is numbered and kept.

ALTER TABLE cem.alert
    ADD COLUMN kind text NOT NULL DEFAULT 'drop' CHECK (kind IN ('drop', 'no_data', 'cluster', 'storm')),
    ADD COLUMN change integer NOT NULL DEFAULT 0,
    ADD COLUMN parent_id text REFERENCES cem.alert ON DELETE SET NULL,
    ADD COLUMN cluster_id text,
    ADD COLUMN owner text,
    ADD COLUMN users integer,
    ADD COLUMN acknowledged_by text,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_until timestamptz,
    ADD COLUMN acknowledged_comment text,
    ADD COLUMN silence_id bigint;
COMMENT ON COLUMN cem.alert.state IS 'pending, firing, acknowledged, silenced or resolved; acknowledged and silenced alerts fire still.';
COMMENT ON COLUMN cem.alert.change IS 'Number of the newest change of state or severity; the same number is queued to be told once.';
COMMENT ON COLUMN cem.alert.parent_id IS 'The alert that this one is part of: it is told inside that one.';
COMMENT ON COLUMN cem.alert.detail IS 'What a message says (alerts.facts.Facts as JSON), as of the last judged window.';
CREATE INDEX alert_by_parent ON cem.alert (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX alert_by_time ON cem.alert (started_at);
ALTER TABLE cem.alert ADD CONSTRAINT alert_state CHECK (state IN ('pending', 'firing', 'acknowledged', 'silenced', 'resolved'));

ALTER TABLE cem.alert_change
    ADD COLUMN number integer NOT NULL DEFAULT 0,
    ADD COLUMN severity text,
    ADD COLUMN told boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cem.alert_change.told IS 'Whether a message was queued: not for parts of another alert, nor while silenced.';
CREATE INDEX alert_change_by_alert ON cem.alert_change (alert_id, change_id);

CREATE TABLE cem.alert_silence (
    silence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    matchers jsonb NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    actor text NOT NULL,
    comment text NOT NULL,
    made_at timestamptz NOT NULL,
    CHECK (ends_at >= starts_at)
);
COMMENT ON TABLE cem.alert_silence IS 'Alerts that fit every matcher (field to a value, or to a pattern with *) are not told from starts_at to ends_at.';

CREATE OR REPLACE VIEW api.alerts WITH (security_barrier) AS
SELECT alert_id, rule, subject, severity, state, started_at, fired_at, resolved_at, value, expected, detail, updated_at,
       kind, change, parent_id, cluster_id, owner,
       CASE WHEN users >= api.k_anonymity() THEN users END AS users,
       acknowledged_by, acknowledged_at, acknowledged_until, acknowledged_comment, silence_id
FROM cem.alert;

CREATE OR REPLACE VIEW api.alert_changes WITH (security_barrier) AS
SELECT change_id, alert_id, at, state, actor, comment, number, severity, told FROM cem.alert_change;

CREATE VIEW api.alert_silences WITH (security_barrier) AS
SELECT silence_id, matchers, starts_at, ends_at, actor, comment, made_at FROM cem.alert_silence;
GRANT SELECT ON api.alert_silences TO cem_operations, cem_analyst, cem_admin;
