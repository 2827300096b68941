-- What is read by asking: the last sample of every series of a source, and when a source did not answer.

-- One row per source, written whole with the batch that it belongs to: a row per series would be updated at every scrape.
CREATE TABLE cem.scrape_state (
    source_id smallint PRIMARY KEY REFERENCES cem.source,
    at timestamptz NOT NULL,
    series integer NOT NULL,
    samples bytea NOT NULL
);
COMMENT ON TABLE cem.scrape_state IS 'Up to when a source was read, and the last sample of each of its series (Arrow stream).';

CREATE TABLE cem.source_outage (
    source_id smallint NOT NULL REFERENCES cem.source,
    target text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    reason text NOT NULL,
    PRIMARY KEY (source_id, target, started_at)
);
COMMENT ON TABLE cem.source_outage IS
    'When a source, or one target behind it, was away: its silence then is its own fault, not the network''s.';
