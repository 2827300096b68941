-- Survey weeks by the rules of 0117: exact numbers before and after a late answer would tell that answer.

CREATE OR REPLACE VIEW api.survey_weeks WITH (security_barrier) AS
SELECT w.start, w.attribute, l.value, n.value AS kind, api.told(w.answers) AS answers, api.told(w.customers) AS customers,
       round((w.score_sum / w.answers * 10)::numeric)::double precision / 10 AS mean,
       CASE WHEN w.answers > 1 THEN round((19.6 * sqrt(greatest(w.score_sq - w.score_sum ^ 2 / w.answers, 0)
            / (w.answers - 1) / w.answers))::numeric)::double precision / 10 END AS mean_half,
       round(100.0 * (w.high - w.low) / w.answers)::double precision AS balance,
       round((196.0 * sqrt(((w.high + w.low) - (w.high - w.low) ^ 2 / w.answers::double precision)
            / w.answers / w.answers))::numeric)::double precision AS balance_half,
       api.told_ratio(w.high / w.answers::double precision, w.answers) AS high_share,
       api.told_ratio(w.low / w.answers::double precision, w.answers) AS low_share,
       CASE WHEN w.index_customers >= w.k THEN api.told(w.indexed) END AS indexed,
       CASE WHEN w.index_customers >= w.k
            THEN round((w.index_sum / w.indexed * 10)::numeric)::double precision / 10 END AS index,
       CASE WHEN w.index_customers >= w.k THEN round((19.6 * sqrt(greatest(w.index_sq
            - w.index_sum ^ 2 / w.indexed, 0) / (w.indexed - 1) / w.indexed))::numeric)::double precision / 10
            END AS index_half,
       w.versions, v.model_version, v.catalogue_version, v.baseline_id
FROM (
    SELECT s.*, (SELECT api.k_anonymity()) AS k,
           sum(customers) FILTER (WHERE customers < (SELECT api.k_anonymity()))
               OVER (PARTITION BY attribute, start, s.kind) AS hidden,
           min(customers) FILTER (WHERE customers >= (SELECT api.k_anonymity()))
               OVER (PARTITION BY attribute, start, s.kind) AS smallest,
           row_number() OVER (PARTITION BY attribute, start, s.kind, customers ORDER BY value) AS among_equals
    FROM cem.survey_week s) w
JOIN cem.label n ON n.label_id = w.kind
LEFT JOIN cem.label l ON l.label_id = w.value AND w.attribute <> 'all'
LEFT JOIN cem.version v USING (version_id)
WHERE w.customers >= w.k AND (w.value <> 0 OR w.attribute = 'all')
  AND NOT (w.hidden IS NOT NULL AND w.customers = w.smallest AND w.among_equals = 1);
