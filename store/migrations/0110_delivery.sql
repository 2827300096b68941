-- Who was told of alerts: what became of each message, how each receiver does, and what Alertmanager has taken.

ALTER TABLE cem.delivery ADD COLUMN outcome text NOT NULL DEFAULT 'waiting'
    CHECK (outcome IN ('waiting', 'addressed', 'sent', 'superseded'));
UPDATE cem.delivery SET outcome = 'sent' WHERE delivered_at IS NOT NULL;
COMMENT ON COLUMN cem.delivery.channel IS 'Name of a receiver; * for a message that is not addressed to receivers yet.';
COMMENT ON COLUMN cem.delivery.delivered_at IS 'When it was taken, addressed to its receivers, or superseded by a newer one.';
COMMENT ON COLUMN cem.delivery.outcome IS 'superseded: people were told a newer state of that alert instead.';
CREATE INDEX delivery_by_alert ON cem.delivery (alert_id, channel);

CREATE TABLE cem.receiver (
    name text PRIMARY KEY,
    succeeded_at timestamptz,
    failed_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    error text,
    known_since timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cem.receiver IS 'How receivers of alerts do; failures counts those since the last success.';

CREATE TABLE cem.alert_post (
    receiver text NOT NULL,
    alert_id text NOT NULL REFERENCES cem.alert ON DELETE CASCADE,
    labels jsonb NOT NULL,
    firing_at timestamptz NOT NULL,
    resolved_at timestamptz,
    silence_id text,
    PRIMARY KEY (receiver, alert_id)
);
COMMENT ON TABLE cem.alert_post IS 'What an Alertmanager has taken of an alert: its labels, since when as firing, since when as resolved.';

CREATE VIEW api.receivers WITH (security_barrier) AS
SELECT name, succeeded_at, failed_at, failures, error,
       (SELECT count(*) FROM cem.delivery AS waiting WHERE waiting.channel = receiver.name AND outcome = 'waiting') AS waiting
FROM cem.receiver;
GRANT SELECT ON api.receivers TO cem_operations, cem_analyst, cem_admin;
