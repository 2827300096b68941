-- The expectation learned day by day: hours of the week, holidays, and what measurements usually are.

ALTER TABLE cem.baseline_margin ADD COLUMN weekday smallint NOT NULL DEFAULT -1;
ALTER TABLE cem.baseline_margin DROP CONSTRAINT baseline_margin_pkey;
ALTER TABLE cem.baseline_margin ADD PRIMARY KEY (baseline_id, over_kind, attribute, value, weekend, hour, weekday);
COMMENT ON COLUMN cem.baseline_margin.weekday IS '0 Monday to 6 Sunday, a holiday 6; -1: any day of that kind.';

-- What an earlier day had counted when a baseline learned from it: a day that counts differently now has late rows.
CREATE TABLE cem.baseline_source (
    baseline_id integer NOT NULL REFERENCES cem.baseline ON DELETE CASCADE,
    day date NOT NULL,
    sessions bigint NOT NULL,
    bad bigint NOT NULL,
    PRIMARY KEY (baseline_id, day)
);
COMMENT ON TABLE cem.baseline_source IS 'Sessions of each local day as that baseline, or the one that it was made from, learned them.';

CREATE TABLE cem.holiday (
    day date PRIMARY KEY,
    name text NOT NULL
);
COMMENT ON TABLE cem.holiday IS 'Days that count as weekend, as the operator''s file listed them at the last scoring run.';

CREATE TABLE cem.level_state (
    attribute text NOT NULL,
    measure text NOT NULL,
    learned_until date NOT NULL,
    keys bytea NOT NULL,
    counts bytea NOT NULL,
    PRIMARY KEY (attribute, measure)
);
COMMENT ON TABLE cem.level_state IS 'Histograms of measurements with forgetting, until that day: int64 value * 65536 + slot * 128 + bin, float32 counts.';

CREATE TABLE cem.baseline_level (
    baseline_id integer NOT NULL REFERENCES cem.baseline ON DELETE CASCADE,
    attribute text NOT NULL,
    value integer NOT NULL,
    measure smallint[] NOT NULL,
    slot smallint[] NOT NULL,
    n real[] NOT NULL,
    median real[] NOT NULL,
    mad real[] NOT NULL,
    PRIMARY KEY (baseline_id, attribute, value)
);
COMMENT ON TABLE cem.baseline_level IS 'Frozen median and median absolute deviation of measurements by rung of the ladder (slot); of bad sessions the share.';
