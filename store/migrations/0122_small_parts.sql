-- A number below k stays hidden also where two smaller ones are k together: three small groups showed the third.

CREATE OR REPLACE VIEW api.cluster_parts WITH (security_barrier) AS
WITH part AS (
    SELECT cluster_id, 'vip_level' AS attribute, tier AS code, users, users_hurt FROM cem.cluster_tier
    UNION ALL SELECT cluster_id, 'segment', segment, users, users_hurt FROM cem.cluster_segment
), ordered AS (
    SELECT p.*, row_number() OVER u AS u_place, sum(users) OVER u - users AS u_before, min(users) OVER u AS u_least,
           row_number() OVER h AS h_place, sum(users_hurt) OVER h - users_hurt AS h_before,
           min(users_hurt) OVER h AS h_least, api.k_anonymity() AS k
    FROM part p
    WINDOW u AS (PARTITION BY cluster_id, attribute ORDER BY users, code ROWS UNBOUNDED PRECEDING),
           h AS (PARTITION BY cluster_id, attribute, users_hurt = 0 ORDER BY users_hurt, code
                 ROWS UNBOUNDED PRECEDING)
), judged AS (
    SELECT o.*, u_least >= k OR (users >= k AND u_place > 2 AND u_before >= k) AS u_shown,
           users_hurt = 0 OR h_least >= k OR (users_hurt >= k AND h_place > 2 AND h_before >= k) AS h_shown
    FROM ordered o
)
SELECT j.cluster_id, j.attribute, l.value, CASE WHEN u_shown THEN users END AS users,
       CASE WHEN u_shown AND h_shown THEN users_hurt END AS users_hurt
FROM judged j LEFT JOIN cem.label l ON l.label_id = j.code;
