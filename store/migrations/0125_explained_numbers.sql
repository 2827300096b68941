-- What a score on a screen opens to: the observations behind a customer's day and behind a group's index.

-- Of each dimension: observations, what they alone come to, and the prior that they are pulled to.
CREATE VIEW api.customer_day_parts WITH (security_barrier) AS
SELECT u.customer_key, u.start,
       u.network_n, exp(u.network_s1 / nullif(u.network_w, 0)) AS network_alone,
       exp(u.network_m / nullif(u.network_w, 0)) AS network_prior,
       u.device_n, exp(u.device_s1 / nullif(u.device_w, 0)) AS device_alone,
       exp(u.device_m / nullif(u.device_w, 0)) AS device_prior,
       u.app_n, exp(u.app_s1 / nullif(u.app_w, 0)) AS app_alone,
       exp(u.app_m / nullif(u.app_w, 0)) AS app_prior,
       u.service_n, exp(u.service_s1 / nullif(u.service_w, 0)) AS service_alone,
       exp(u.service_m / nullif(u.service_w, 0)) AS service_prior
FROM cem.user_day u;
GRANT SELECT ON api.customer_day_parts TO cem_care, cem_admin;

-- Per index the users who have it: an index of fewer than k of them is not shown, however large the group is.
CREATE VIEW api.group_scores WITH (security_barrier) AS
SELECT g.grain, g.attribute, l.value, g.start, g.n_users, g.n, s.name AS measure, s.users, s.score, s.lo, s.hi,
       v.model_version, v.catalogue_version, v.baseline_id
FROM cem.group_index g
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = g.value AND g.attribute <> 'all'
CROSS JOIN LATERAL (VALUES
    ('overall', g.overall_n, g.overall, g.overall_lo, g.overall_hi),
    ('network', g.network_n, g.network, g.network_lo, g.network_hi),
    ('device', g.device_n, g.device, g.device_lo, g.device_hi),
    ('app', g.app_n, g.app, g.app_lo, g.app_hi),
    ('service', g.service_n, g.service, g.service_lo, g.service_hi)) s (name, users, score, lo, hi)
WHERE g.n_users >= api.k_anonymity() AND s.users >= api.k_anonymity();
GRANT SELECT ON api.group_scores TO cem_operations, cem_analyst, cem_care, cem_admin;
