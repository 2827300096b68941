-- What other means and caps would do to the indices, how evenly groups fare, and comparisons that a mix misleads.

CREATE TABLE cem.aggregation_choice (
    start timestamptz NOT NULL,
    choice text NOT NULL,
    setting text NOT NULL,
    in_force boolean NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    days smallint NOT NULL,
    n_users integer NOT NULL,
    mean real,
    p10 real,
    p50 real,
    p90 real,
    low_share real,
    up_share real,
    down_share real,
    version_id integer NOT NULL,
    PRIMARY KEY (start, choice, setting, attribute, value)
);
COMMENT ON TABLE cem.aggregation_choice IS
    'Users'' overall indices under each setting of a choice (mean, caps); up_share and down_share: moved by more than 5 points from the setting in force.';

CREATE TABLE cem.group_fairness (
    start timestamptz NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    measure text NOT NULL,
    n_users integer NOT NULL,
    n integer NOT NULL,
    mean real,
    sigma real,
    fairness real,
    version_id integer NOT NULL,
    PRIMARY KEY (start, attribute, value, measure)
);
COMMENT ON TABLE cem.group_fairness IS
    'F = 1 - 2 sigma / 100 over the n users (of areas: user-hours) of a local day that have that index.';

CREATE TABLE cem.mix_warning (
    start timestamptz NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    compared_with text NOT NULL CHECK (compared_with IN ('rest', 'day_before')),
    mix text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reversed', 'vanished')),
    n_users integer NOT NULL,
    crude real NOT NULL,
    crude_p double precision NOT NULL,
    adjusted real NOT NULL,
    adjusted_p double precision NOT NULL,
    strata integer NOT NULL,
    against integer NOT NULL,
    share real NOT NULL,
    version_id integer NOT NULL,
    PRIMARY KEY (start, attribute, value, compared_with, mix)
);
COMMENT ON TABLE cem.mix_warning IS
    'Differences in the share of bad sessions, each user once, that the mix of another attribute reverses or explains.';

CREATE VIEW api.aggregation_choices WITH (security_barrier) AS
SELECT c.start, c.choice, c.setting, c.in_force, c.attribute, l.value, c.days, c.n_users, c.mean, c.p10, c.p50, c.p90,
       c.low_share, c.up_share, c.down_share, v.model_version, v.catalogue_version
FROM cem.aggregation_choice c
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = c.value AND c.attribute <> 'all'
WHERE c.n_users >= api.k_anonymity();

CREATE VIEW api.group_fairness WITH (security_barrier) AS
SELECT f.start, f.attribute, l.value, f.measure, f.n_users, f.n, f.mean, f.sigma, f.fairness, v.model_version,
       v.catalogue_version
FROM cem.group_fairness f
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = f.value AND f.attribute <> 'all'
WHERE f.n_users >= api.k_anonymity();

CREATE VIEW api.mix_warnings WITH (security_barrier) AS
SELECT w.start, w.attribute, l.value, w.compared_with, w.mix, w.kind, w.n_users, w.crude, w.crude_p, w.adjusted,
       w.adjusted_p, w.strata, w.against, w.share, v.model_version, v.catalogue_version
FROM cem.mix_warning w
JOIN cem.version v USING (version_id)
LEFT JOIN cem.label l ON l.label_id = w.value AND w.attribute <> 'all'
WHERE w.n_users >= api.k_anonymity();

GRANT SELECT ON api.aggregation_choices, api.group_fairness, api.mix_warnings
    TO cem_operations, cem_analyst, cem_care, cem_admin;
