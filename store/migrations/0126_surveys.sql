-- Answers of surveys by local week and group, beside the index that the same people had on the day they answered.

CREATE TABLE cem.survey_week (
    start timestamptz NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    kind integer NOT NULL,
    answers integer NOT NULL,
    customers integer NOT NULL,
    score_sum double precision NOT NULL,
    score_sq double precision NOT NULL,
    high integer NOT NULL,
    low integer NOT NULL,
    indexed integer NOT NULL,
    index_customers integer NOT NULL,
    index_sum double precision NOT NULL,
    index_sq double precision NOT NULL,
    versions integer NOT NULL,
    version_id integer,
    PRIMARY KEY (attribute, start, kind, value)
);
COMMENT ON TABLE cem.survey_week IS
    'Local weeks from Monday. high, low: 9 and 10, 0 to 6 of nps; 4 and 5, 1 and 2 of csat; 6 and 7, 1 to 3 of ces. value 0: of all, or not known.';
COMMENT ON COLUMN cem.survey_week.indexed IS
    'Answers whose customer had an overall index on that local day; index_sum and index_sq are over these. The two are never merged.';
COMMENT ON COLUMN cem.survey_week.versions IS 'How many versions of models and catalogue those indices were made with; version_id is the newest of them.';
GRANT SELECT, INSERT, UPDATE, DELETE ON cem.survey_week TO cem_loader;
GRANT SELECT ON cem.survey_week TO cem_reader;

-- What came before this table was made is summed up by the next run of scoring.
INSERT INTO cem.dirty (kind, window_start) SELECT DISTINCT 'surveys', date_bin('15 minutes', time, 'epoch') FROM cem.survey;

-- A group of fewer than k customers shows nothing. Where a week's hidden groups are together fewer than k, the
-- smallest shown one is hidden too: all without the shown ones would tell them.
CREATE VIEW api.survey_weeks WITH (security_barrier) AS
SELECT w.start, w.attribute, l.value, api.label(w.kind) AS kind, w.answers, w.customers,
       w.score_sum / w.answers AS mean,
       CASE WHEN w.answers > 1 THEN 1.96 * sqrt(greatest(w.score_sq - w.score_sum ^ 2 / w.answers, 0)
            / (w.answers - 1) / w.answers) END AS mean_half,
       100.0::double precision * (w.high - w.low) / w.answers AS balance,
       196.0 * sqrt(((w.high + w.low) - (w.high - w.low) ^ 2 / w.answers::double precision)
            / w.answers / w.answers) AS balance_half,
       w.high / w.answers::double precision AS high_share, w.low / w.answers::double precision AS low_share,
       CASE WHEN w.index_customers >= api.k_anonymity() THEN w.indexed END AS indexed,
       CASE WHEN w.index_customers >= api.k_anonymity() THEN w.index_sum / w.indexed END AS index,
       CASE WHEN w.index_customers >= api.k_anonymity() THEN 1.96 * sqrt(greatest(w.index_sq
            - w.index_sum ^ 2 / w.indexed, 0) / (w.indexed - 1) / w.indexed) END AS index_half,
       w.versions, v.model_version, v.catalogue_version, v.baseline_id
FROM (
    SELECT *, sum(customers) FILTER (WHERE customers < api.k_anonymity())
                  OVER (PARTITION BY attribute, start, kind) AS hidden,
           min(customers) FILTER (WHERE customers >= api.k_anonymity())
                  OVER (PARTITION BY attribute, start, kind) AS smallest,
           count(*) OVER (PARTITION BY attribute, start, kind, customers ORDER BY value) AS among_equals
    FROM cem.survey_week) w
LEFT JOIN cem.label l ON l.label_id = w.value AND w.attribute <> 'all'
LEFT JOIN cem.version v USING (version_id)
WHERE w.customers >= api.k_anonymity() AND (w.value <> 0 OR w.attribute = 'all')
  AND NOT (coalesce(w.hidden, 0) BETWEEN 1 AND api.k_anonymity() - 1 AND w.customers = w.smallest
           AND w.among_equals = 1);
GRANT SELECT ON api.survey_weeks TO cem_analyst, cem_care, cem_admin;
