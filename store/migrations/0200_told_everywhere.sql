-- The rules of 0117 in the last views that told exact numbers: alerts, the parts of a cluster, its risks.

-- Users of an alert as everywhere; of a cluster's alert also by the rule of bad and good. `detail` is the message that was
-- sent, with exact users: whoever reads here has the column.
CREATE OR REPLACE VIEW api.alerts WITH (security_barrier) AS
SELECT a.alert_id, a.rule, a.subject, a.severity, a.state, a.started_at, a.fired_at, a.resolved_at, a.value, a.expected,
       a.detail - 'users' - 'tiers' AS detail, a.updated_at, a.kind, a.change, a.parent_id, a.cluster_id, a.owner,
       CASE WHEN a.users >= k.k AND (c.users IS NULL OR a.users = c.users OR c.users - a.users >= k.k)
            THEN api.told(a.users) END AS users,
       a.acknowledged_by, a.acknowledged_at, a.acknowledged_until, a.acknowledged_comment, a.silence_id
FROM cem.alert a
CROSS JOIN (SELECT api.k_anonymity() AS k) k
LEFT JOIN cem.cluster c ON c.cluster_id = a.cluster_id AND a.kind = 'cluster';

-- A number below k is hidden, and the next larger ones with it until k are; of the hurt and of the others alike, so that
-- neither is told by subtracting what is shown. What is shown is told to 5.
CREATE OR REPLACE VIEW api.cluster_parts WITH (security_barrier) AS
WITH part AS (
    SELECT cluster_id, 'vip_level' AS attribute, tier AS code, users, users_hurt, users - users_hurt AS users_good
    FROM cem.cluster_tier
    UNION ALL SELECT cluster_id, 'segment', segment, users, users_hurt, users - users_hurt FROM cem.cluster_segment
), ordered AS (
    SELECT p.*, row_number() OVER u AS u_place, sum(users) OVER u - users AS u_before, min(users) OVER u AS u_least,
           row_number() OVER h AS h_place, sum(users_hurt) OVER h - users_hurt AS h_before,
           min(users_hurt) OVER h AS h_least,
           row_number() OVER g AS g_place, sum(users_good) OVER g - users_good AS g_before,
           min(users_good) OVER g AS g_least, (SELECT api.k_anonymity()) AS k
    FROM part p
    WINDOW u AS (PARTITION BY cluster_id, attribute ORDER BY users, code ROWS UNBOUNDED PRECEDING),
           h AS (PARTITION BY cluster_id, attribute, users_hurt = 0 ORDER BY users_hurt, code
                 ROWS UNBOUNDED PRECEDING),
           g AS (PARTITION BY cluster_id, attribute, users_good = 0 ORDER BY users_good, code
                 ROWS UNBOUNDED PRECEDING)
), judged AS (
    SELECT o.*, u_least >= k OR (users >= k AND u_place > 2 AND u_before >= k) AS u_shown,
           users_hurt = 0 OR h_least >= k OR (users_hurt >= k AND h_place > 2 AND h_before >= k) AS h_shown,
           users_good = 0 OR g_least >= k OR (users_good >= k AND g_place > 2 AND g_before >= k) AS g_shown
    FROM ordered o
)
SELECT j.cluster_id, j.attribute, l.value, CASE WHEN u_shown THEN api.told(users) END AS users,
       CASE WHEN u_shown AND h_shown AND g_shown THEN api.told(users_hurt) END AS users_hurt
FROM judged j LEFT JOIN cem.label l ON l.label_id = j.code;

CREATE OR REPLACE VIEW api.cluster_tiers WITH (security_barrier) AS
SELECT cluster_id, value AS tier, users, users_hurt FROM api.cluster_parts WHERE attribute = 'vip_level';

-- A few complaints among many customers are a few of them.
CREATE OR REPLACE VIEW api.cluster_risks WITH (security_barrier) AS
SELECT cluster_id, topic, api.told(exposed) AS exposed,
       CASE WHEN exposed_complaints = 0 OR exposed_complaints >= k.k THEN exposed_complaints END AS exposed_complaints,
       api.told(others) AS others,
       CASE WHEN other_complaints = 0 OR other_complaints >= k.k THEN other_complaints END AS other_complaints,
       relative_risk, lo, hi, lift, attributable
FROM cem.cluster_risk CROSS JOIN (SELECT api.k_anonymity() AS k) k WHERE exposed >= k.k;
