-- How well the expectation of earlier days held: what detection corrects it by, frozen with the baseline.

CREATE TABLE cem.baseline_fit (
    baseline_id integer NOT NULL REFERENCES cem.baseline ON DELETE CASCADE,
    over_kind text NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    ratio double precision,
    dispersion double precision,
    PRIMARY KEY (baseline_id, over_kind, attribute, value)
);
COMMENT ON TABLE cem.baseline_fit IS 'Seen over expected bad of a value before the day; value -1: variance over expectation of the attribute''s windows.';
