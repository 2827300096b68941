-- What alerting knows of series of indices and indicators: their days, what is usual on a day, and their last windows.

CREATE TABLE cem.alert_day (
    measure text NOT NULL,
    day date NOT NULL,
    data bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (measure, day)
);
COMMENT ON TABLE cem.alert_day IS 'One local day of all series of a measure, summed up by hour once the day was over (numpy arrays).';

CREATE TABLE cem.alert_season (
    measure text NOT NULL,
    day date NOT NULL,
    data bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (measure, day)
);
COMMENT ON TABLE cem.alert_season IS 'What is usual on a local day, learned from earlier days only and frozen when its first window is judged.';

CREATE TABLE cem.alert_track (
    measure text PRIMARY KEY,
    start timestamptz NOT NULL,
    data bytea NOT NULL
);
COMMENT ON TABLE cem.alert_track IS 'The last windows of all series of a measure as they were when they were judged, up to the window at `start`.';

ALTER TABLE cem.alert ADD COLUMN told boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cem.alert.told IS 'Whether a message said that it fires: only then one says that it is over.';

ALTER TABLE cem.alert_change ADD COLUMN to_tell boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cem.alert_change.to_tell IS 'Made by people and not queued yet: the next run of alerting queues it.';
CREATE INDEX alert_change_untold ON cem.alert_change (change_id) WHERE to_tell;
