-- Alarms as network elements raise, change and clear them, and which events of listeners are in already.

CREATE TABLE cem.alarm (
    time timestamptz NOT NULL,
    object_id integer NOT NULL,
    source_id smallint NOT NULL,
    event_id text NOT NULL,
    severity integer NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    alarm_id text NOT NULL,
    cleared boolean NOT NULL,
    alarm_condition integer,
    specific_problem text,
    alarm_type integer,
    object_type integer
);
COMMENT ON TABLE cem.alarm IS 'One notification a row: `event_id` names it at its source, `alarm_id` the alarm that it raises, changes or clears.';
CREATE UNIQUE INDEX alarm_identity ON cem.alarm (time, object_id, source_id, event_id, severity);

-- Listeners put several requests into one batch, so the batch's digest does not tell a repeated event.
CREATE TABLE cem.event_seen (
    source_id smallint NOT NULL,
    digest uuid NOT NULL,
    time timestamptz NOT NULL,
    PRIMARY KEY (source_id, digest, time)
);
COMMENT ON TABLE cem.event_seen IS 'First 16 bytes of the SHA-256 of each event that came through a listener; `time` is the event''s own, so that old ones go with their chunk.';
