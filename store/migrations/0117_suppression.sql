-- Small groups stay hidden, and no difference of two shown figures is one: docs/access.md has the rules and why.

-- Of a window's groups the smallest that is shown, and whether any is hidden: one step into this index.
CREATE INDEX group_index_by_users ON cem.group_index (grain, attribute, start, n_users, value);

-- A number of users, told to 5.
CREATE FUNCTION api.told(users integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT (round(users / 5.0) * 5)::integer $$;

-- To how many sessions a number of sessions is told: those that k average users of it make, rounded up to 5, 10, 20,
-- 50 and so on. What fewer users did is lost in the rounding of whatever they are subtracted from.
CREATE FUNCTION api.step(n double precision, users integer, k integer) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('{5,10,20,50,100,200,500,1000,2000,5000,10000,20000,50000,100000,200000,500000,1e6,1e7,1e8,1e9}'
            ::double precision[])[1 + width_bucket(k * n / nullif(users, 0), '{5,10,20,50,100,200,500,1000,2000,5000,
            10000,20000,50000,100000,200000,500000,1e6,1e7,1e8}'::double precision[])]
$$;

-- A ratio, told in per cent, or per mille of 1000 sessions and more: a finer one would give its fraction away.
CREATE FUNCTION api.told_ratio(ratio double precision, n double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN n >= 1000 THEN round(ratio * 1000) / 1000 ELSE round(ratio * 100) / 100 END
$$;

CREATE FUNCTION api.told_score(score real, users integer, k integer) RETURNS real
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN users >= k THEN (round(score * 10) / 10)::real END $$;

-- The groups that are shown, as they are stored: those of k users and more. Where one of a window is hidden, the
-- smallest of the others is hidden with it, so that what is left of the total is k users at least.
CREATE VIEW cem.group_shown AS
SELECT g.*, (SELECT api.k_anonymity()) AS k, api.step(g.n, g.n_users, (SELECT api.k_anonymity())) AS step
FROM cem.group_index g
LEFT JOIN LATERAL (
    SELECT true AS hidden FROM cem.group_index h
    WHERE g.attribute <> 'all' AND (h.grain, h.attribute, h.start) = (g.grain, g.attribute, g.start)
      AND h.n_users < (SELECT api.k_anonymity())
    LIMIT 1) other ON true
LEFT JOIN LATERAL (
    SELECT s.value FROM cem.group_index s
    WHERE other.hidden AND (s.grain, s.attribute, s.start) = (g.grain, g.attribute, g.start)
      AND s.n_users >= (SELECT api.k_anonymity())
    ORDER BY s.n_users, s.value LIMIT 1) smallest ON true
WHERE g.n_users >= (SELECT api.k_anonymity()) AND (other.hidden IS NULL OR smallest.value <> g.value);

CREATE OR REPLACE VIEW api.groups WITH (security_barrier) AS
SELECT g.grain, g.attribute, l.value, g.start, api.told(g.n_users) AS n_users,
       CASE WHEN g.bad_users = 0 OR (g.bad_users >= g.k AND g.n_users - g.bad_users >= g.k)
            THEN api.told(g.bad_users) END AS bad_users,
       (round(g.n / g.step) * g.step)::integer AS n,
       round(api.told_ratio(g.bad / nullif(g.n, 0)::double precision, g.n) * round(g.n / g.step) * g.step)::integer
           AS bad,
       api.told_ratio(g.bad / nullif(g.n, 0)::double precision, g.n) AS bad_ratio,
       api.told_ratio(g.expected_bad / nullif(g.n, 0)::double precision, g.n) AS expected_ratio,
       api.told_score(g.network, g.network_n, g.k) AS network,
       api.told_score(g.network_lo, g.network_n, g.k) AS network_lo,
       api.told_score(g.network_hi, g.network_n, g.k) AS network_hi,
       api.told_score(g.device, g.device_n, g.k) AS device,
       api.told_score(g.device_lo, g.device_n, g.k) AS device_lo,
       api.told_score(g.device_hi, g.device_n, g.k) AS device_hi,
       api.told_score(g.app, g.app_n, g.k) AS app,
       api.told_score(g.app_lo, g.app_n, g.k) AS app_lo,
       api.told_score(g.app_hi, g.app_n, g.k) AS app_hi,
       api.told_score(g.service, g.service_n, g.k) AS service,
       api.told_score(g.service_lo, g.service_n, g.k) AS service_lo,
       api.told_score(g.service_hi, g.service_n, g.k) AS service_hi,
       api.told_score(g.overall, g.overall_n, g.k) AS overall,
       api.told_score(g.overall_lo, g.overall_n, g.k) AS overall_lo,
       api.told_score(g.overall_hi, g.overall_n, g.k) AS overall_hi,
       v.model_version, v.catalogue_version, v.baseline_id
FROM cem.group_shown g
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = g.value AND g.attribute <> 'all';

-- An indicator has no count of users of its own: it is shown where its group is, and where it is of a quarter more
-- sessions than k average users of the group make. Told in three digits.
CREATE OR REPLACE VIEW api.kqis WITH (security_barrier) AS
SELECT q.grain, q.attribute, l.value, q.start, q.kqi, told.ratio AS kqi_value,
       told.ratio * round(q.denominator / told.step) * told.step AS numerator,
       round(q.denominator / told.step) * told.step AS denominator,
       (round(q.n / g.step) * g.step)::integer AS n, v.model_version, v.catalogue_version, v.baseline_id
FROM cem.kqi_value q
JOIN cem.version v USING (version_id)
JOIN cem.group_shown g ON (g.grain, g.attribute, g.start, g.value) = (q.grain, q.attribute, q.start, q.value)
CROSS JOIN LATERAL (
    SELECT CASE WHEN q.numerator = 0 THEN 0 ELSE
               round(q.numerator / nullif(q.denominator, 0) * size.power) / size.power END AS ratio,
           api.step(q.denominator, g.n_users, g.k) AS step
    FROM (SELECT 10 ^ (2 - floor(log(abs(nullif(q.numerator / nullif(q.denominator, 0), 0))))) AS power) size) told
LEFT JOIN cem.label l ON l.label_id = q.value AND q.attribute <> 'all'
WHERE q.n >= 1.25 * g.k * g.n / g.n_users;

CREATE OR REPLACE VIEW api.clusters WITH (security_barrier) AS
SELECT c.cluster_id, c.over_kind, c.dimension, c.domain, c.selector, c.started_at, c.detected_at, c.ended_at,
       CASE WHEN c.users >= k THEN api.told(c.users) END AS users,
       CASE WHEN c.users >= k THEN (round(c.sessions / step) * step)::integer END AS sessions,
       CASE WHEN c.users >= k THEN api.told_ratio(c.bad_ratio, c.sessions) END AS bad_ratio,
       CASE WHEN c.users >= k THEN api.told_ratio(c.expected_ratio, c.sessions) END AS expected_ratio,
       c.p_value, c.q_value, c.severity, c.evidence,
       CASE WHEN c.silent_users = 0 OR c.silent_users >= k THEN api.told(c.silent_users) END AS silent_users,
       c.recommendation, c.updated_at, v.model_version, v.catalogue_version, v.baseline_id,
       c.onset_lo, c.onset_hi,
       CASE WHEN c.users_hurt = 0 OR (c.users_hurt >= k AND (c.users_hurt = c.users OR c.users - c.users_hurt >= k))
            THEN api.told(c.users_hurt) END AS users_hurt,
       CASE WHEN c.users >= k AND (c.users_hurt = 0 OR c.users_hurt >= k)
            THEN (round(c.sessions_hurt / step) * step)::integer END AS sessions_hurt,
       c.certainty, r.en AS advice_en, r.zh AS advice_zh,
       d.domain AS said_domain, d.cause AS said_cause, d.actor AS said_by, d.at AS said_at
FROM cem.cluster c
CROSS JOIN LATERAL (SELECT (SELECT api.k_anonymity()) AS k,
                           api.step(c.sessions, c.users, (SELECT api.k_anonymity())) AS step) told
LEFT JOIN cem.version v USING (version_id)
LEFT JOIN cem.cluster_verdict_now d USING (cluster_id)
LEFT JOIN cem.recommendation r ON r.domain = coalesce(d.domain, c.domain);

CREATE OR REPLACE VIEW api.cluster_windows WITH (security_barrier) AS
SELECT w.cluster_id, w.start, CASE WHEN w.users >= k THEN api.told(w.users) END AS users,
       CASE WHEN w.users >= k THEN (round(w.n / step) * step)::integer END AS n,
       CASE WHEN w.users >= k
            THEN round(api.told_ratio(w.bad / nullif(w.n, 0)::double precision, w.n) * round(w.n / step) * step)::integer
            END AS bad,
       CASE WHEN w.users >= k
            THEN api.told_ratio(w.expected / nullif(w.n, 0), w.n) * round(w.n / step) * step END AS expected,
       w.p_value, w.q_value
FROM cem.cluster_window w
CROSS JOIN LATERAL (SELECT (SELECT api.k_anonymity()) AS k,
                           api.step(w.n, w.users, (SELECT api.k_anonymity())) AS step) told;

-- By value tier: a number below k is hidden, and with it the next larger one, so that their sum, which is what is left
-- of the cluster's own number, tells neither.
CREATE OR REPLACE VIEW api.cluster_tiers WITH (security_barrier) AS
WITH ranked AS (
    SELECT t.*, (SELECT api.k_anonymity()) AS k, row_number() OVER by_users AS place,
           min(users) OVER (PARTITION BY cluster_id) AS least,
           row_number() OVER by_hurt AS hurt_place,
           min(nullif(users_hurt, 0)) OVER (PARTITION BY cluster_id) AS hurt_least
    FROM cem.cluster_tier t
    WINDOW by_users AS (PARTITION BY cluster_id ORDER BY users >= (SELECT api.k_anonymity()), users, tier),
           by_hurt AS (PARTITION BY cluster_id, users_hurt > 0
                       ORDER BY users_hurt >= (SELECT api.k_anonymity()), users_hurt, tier)
), judged AS (
    SELECT *, users >= k AND (least >= k OR place > 1 + (SELECT count(*) FROM cem.cluster_tier h
                  WHERE h.cluster_id = ranked.cluster_id AND h.users < k)) AS shown,
           users_hurt = 0 OR (users_hurt >= k AND (hurt_least >= k OR hurt_place > 1 + (SELECT count(*)
                  FROM cem.cluster_tier h WHERE h.cluster_id = ranked.cluster_id AND h.users_hurt > 0
                  AND h.users_hurt < k))) AS hurt_shown
    FROM ranked
)
SELECT cluster_id, api.label(tier) AS tier, CASE WHEN shown THEN api.told(users) END AS users,
       CASE WHEN shown AND hurt_shown AND (users_hurt IN (0, users) OR users - users_hurt >= k)
            THEN api.told(users_hurt) END AS users_hurt
FROM judged;

CREATE OR REPLACE VIEW api.effects WITH (security_barrier) AS
SELECT e.day, e.outcome, e.attribute, l.value,
       (round(e.n / api.step(e.n, e.users, (SELECT api.k_anonymity())))
           * api.step(e.n, e.users, (SELECT api.k_anonymity())))::real AS n,
       api.told(e.users) AS users, e.effect, e.se, e.shrunk,
       e.shrunk - 1.96 * e.shrunk_se AS lo, e.shrunk + 1.96 * e.shrunk_se AS hi, e.version
FROM cem.effect e JOIN cem.label l ON l.label_id = e.value
WHERE e.users >= (SELECT api.k_anonymity());

CREATE OR REPLACE VIEW api.verdicts WITH (security_barrier) AS
SELECT e.day, e.attribute, l.value,
       (round(e.n / api.step(e.n, e.users, (SELECT api.k_anonymity())))
           * api.step(e.n, e.users, (SELECT api.k_anonymity())))::real AS n,
       api.told(e.users) AS users, e.verdict, e.not_network, e.network, e.device, e.app, e.server, e.core, e.version
FROM cem.effect_verdict e JOIN cem.label l ON l.label_id = e.value
WHERE e.users >= (SELECT api.k_anonymity());

CREATE OR REPLACE VIEW api.aggregation_choices WITH (security_barrier) AS
SELECT c.start, c.choice, c.setting, c.in_force, c.attribute, l.value, c.days, api.told(c.n_users) AS n_users,
       c.mean, c.p10, c.p50, c.p90, c.low_share, c.up_share, c.down_share, v.model_version, v.catalogue_version
FROM (SELECT *, count(*) FILTER (WHERE n_users < (SELECT api.k_anonymity())) OVER same AS hidden,
             row_number() OVER (PARTITION BY start, choice, setting, attribute ORDER BY n_users, value) AS place
      FROM cem.aggregation_choice
      WINDOW same AS (PARTITION BY start, choice, setting, attribute)) c
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = c.value AND c.attribute <> 'all'
WHERE c.n_users >= (SELECT api.k_anonymity()) AND (c.hidden = 0 OR c.place > c.hidden + 1);

CREATE OR REPLACE VIEW api.group_fairness WITH (security_barrier) AS
SELECT f.start, f.attribute, l.value, f.measure, api.told(f.n_users) AS n_users,
       (round(f.n / api.step(f.n, f.n_users, (SELECT api.k_anonymity())))
           * api.step(f.n, f.n_users, (SELECT api.k_anonymity())))::integer AS n,
       f.mean, f.sigma, f.fairness, v.model_version, v.catalogue_version
FROM (SELECT *, count(*) FILTER (WHERE n_users < (SELECT api.k_anonymity())) OVER same AS hidden,
             row_number() OVER (PARTITION BY start, attribute, measure ORDER BY n_users, value) AS place
      FROM cem.group_fairness
      WINDOW same AS (PARTITION BY start, attribute, measure)) f
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = f.value AND f.attribute <> 'all'
WHERE f.n_users >= (SELECT api.k_anonymity()) AND (f.hidden = 0 OR f.place > f.hidden + 1);

CREATE OR REPLACE VIEW api.mix_warnings WITH (security_barrier) AS
SELECT w.start, w.attribute, l.value, w.compared_with, w.mix, w.kind, api.told(w.n_users) AS n_users, w.crude,
       w.crude_p, w.adjusted, w.adjusted_p, w.strata, w.against, w.share, v.model_version, v.catalogue_version
FROM cem.mix_warning w
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = w.value AND w.attribute <> 'all'
WHERE w.n_users >= (SELECT api.k_anonymity());

CREATE OR REPLACE VIEW api.complaint_surges WITH (security_barrier) AS
SELECT surge_id, selector, started_at, detected_at, ended_at, complaints, expected, p_value, experience,
       CASE WHEN customers >= (SELECT api.k_anonymity()) THEN api.told(customers) END AS customers
FROM cem.complaint_surge;
