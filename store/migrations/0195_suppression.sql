-- The rules of 0117 where groups are read one by one: a group over time, and what a group's index opens to.

CREATE OR REPLACE FUNCTION api.group_trend(asked_attribute text, asked_value text, asked_grain text,
    from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start timestamptz, n_users integer, n integer, bad_ratio double precision,
    expected_ratio double precision, overall real, lo real, hi real, network real, device real, app real, service real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT g.start, api.told(g.n_users), (round(g.n / g.step) * g.step)::integer,
           api.told_ratio(g.bad / nullif(g.n, 0)::double precision, g.n),
           api.told_ratio(g.expected_bad / nullif(g.n, 0)::double precision, g.n),
           api.told_score(g.overall, g.overall_n, g.k), api.told_score(g.overall_lo, g.overall_n, g.k),
           api.told_score(g.overall_hi, g.overall_n, g.k), api.told_score(g.network, g.network_n, g.k),
           api.told_score(g.device, g.device_n, g.k), api.told_score(g.app, g.app_n, g.k),
           api.told_score(g.service, g.service_n, g.k)
    FROM cem.group_shown g
    WHERE g.attribute = asked_attribute AND g.grain = asked_grain AND g.start >= from_time AND g.start < to_time
      AND g.value = (SELECT label_id FROM cem.label WHERE kind = asked_attribute AND value = asked_value)
    ORDER BY g.start
$$;

CREATE OR REPLACE VIEW api.group_scores WITH (security_barrier) AS
SELECT g.grain, g.attribute, l.value, g.start, api.told(g.n_users) AS n_users,
       (round(g.n / g.step) * g.step)::integer AS n, s.name AS measure, api.told(s.users) AS users,
       api.told_score(s.score, s.users, g.k) AS score, api.told_score(s.lo, s.users, g.k) AS lo,
       api.told_score(s.hi, s.users, g.k) AS hi, v.model_version, v.catalogue_version, v.baseline_id
FROM cem.group_shown g
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = g.value AND g.attribute <> 'all'
CROSS JOIN LATERAL (VALUES
    ('overall', g.overall_n, g.overall, g.overall_lo, g.overall_hi),
    ('network', g.network_n, g.network, g.network_lo, g.network_hi),
    ('device', g.device_n, g.device, g.device_lo, g.device_hi),
    ('app', g.app_n, g.app, g.app_lo, g.app_hi),
    ('service', g.service_n, g.service, g.service_lo, g.service_hi)) s (name, users, score, lo, hi)
WHERE s.users >= g.k;
