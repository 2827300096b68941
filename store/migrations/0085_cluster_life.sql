-- The life of a cluster, whom it hurts, what people say of its domain, and what to do next.

ALTER TABLE cem.cluster
    ADD COLUMN onset_lo timestamptz,
    ADD COLUMN onset_hi timestamptz,
    ADD COLUMN users_hurt integer NOT NULL DEFAULT 0,
    ADD COLUMN sessions_hurt integer NOT NULL DEFAULT 0,
    ADD COLUMN certainty double precision;
COMMENT ON COLUMN cem.cluster.onset_lo IS 'Start of the earliest window that the cluster may have begun with; 95 % lie up to `onset_hi`.';
COMMENT ON COLUMN cem.cluster.users_hurt IS 'Users with a bad session in it; `users` counts all who had any.';
COMMENT ON COLUMN cem.cluster.certainty IS 'Belief in `domain`, 0 to 1, by the weights of the evidence.';

CREATE TABLE cem.cluster_change (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('opened', 'grown', 'described', 'reopened', 'absorbed', 'merged_into',
        'split_from', 'split', 'ended')),
    other_id text,
    PRIMARY KEY (cluster_id, number)
);
COMMENT ON TABLE cem.cluster_change IS 'The turns of a cluster''s life; `other_id` is the cluster that it became part of, took in, or came out of.';

CREATE TABLE cem.cluster_tier (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    tier integer NOT NULL,
    users integer NOT NULL,
    users_hurt integer NOT NULL,
    PRIMARY KEY (cluster_id, tier)
);
COMMENT ON TABLE cem.cluster_tier IS 'Users of a cluster by value tier (label of the subscriber''s vip_level; 0: not known).';

-- No foreign key: a cluster that detection finds again has the same id, and keeps what people said of it.
CREATE TABLE cem.cluster_verdict (
    verdict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    found_domain text NOT NULL,
    domain text NOT NULL,
    cause text NOT NULL,
    model_version text NOT NULL
);
CREATE INDEX cluster_verdict_by_cluster ON cem.cluster_verdict (cluster_id, verdict_id);
COMMENT ON TABLE cem.cluster_verdict IS 'What people say a cluster''s domain is: `found_domain` is what the program said then. The newest of a cluster counts.';

CREATE TABLE cem.recommendation (
    domain text PRIMARY KEY,
    en text NOT NULL,
    zh text NOT NULL
);
COMMENT ON TABLE cem.recommendation IS 'What to do next, by domain: the texts that the last detection was given.';

CREATE VIEW cem.cluster_verdict_now AS
SELECT DISTINCT ON (cluster_id) * FROM cem.cluster_verdict ORDER BY cluster_id, verdict_id DESC;

CREATE OR REPLACE VIEW api.clusters WITH (security_barrier) AS
SELECT c.cluster_id, c.over_kind, c.dimension, c.domain, c.selector, c.started_at, c.detected_at, c.ended_at,
       CASE WHEN c.users >= api.k_anonymity() THEN c.users END AS users,
       c.sessions, c.bad_ratio, c.expected_ratio, c.p_value, c.q_value, c.severity, c.evidence,
       CASE WHEN c.silent_users = 0 OR c.silent_users >= api.k_anonymity() THEN c.silent_users END AS silent_users,
       c.recommendation, c.updated_at, v.model_version, v.catalogue_version, v.baseline_id,
       c.onset_lo, c.onset_hi,
       CASE WHEN c.users_hurt = 0 OR c.users_hurt >= api.k_anonymity() THEN c.users_hurt END AS users_hurt,
       c.sessions_hurt, c.certainty, r.en AS advice_en, r.zh AS advice_zh,
       d.domain AS said_domain, d.cause AS said_cause, d.actor AS said_by, d.at AS said_at
FROM cem.cluster c
LEFT JOIN cem.version v USING (version_id)
LEFT JOIN cem.cluster_verdict_now d USING (cluster_id)
LEFT JOIN cem.recommendation r ON r.domain = coalesce(d.domain, c.domain);

CREATE VIEW api.cluster_changes WITH (security_barrier) AS
SELECT cluster_id, number, at, kind, other_id FROM cem.cluster_change;

CREATE VIEW api.cluster_tiers WITH (security_barrier) AS
SELECT t.cluster_id, api.label(t.tier) AS tier,
       CASE WHEN t.users >= api.k_anonymity() THEN t.users END AS users,
       CASE WHEN t.users >= api.k_anonymity() AND (t.users_hurt = 0 OR t.users_hurt >= api.k_anonymity())
            THEN t.users_hurt END AS users_hurt
FROM cem.cluster_tier t;

CREATE VIEW api.cluster_verdicts WITH (security_barrier) AS
SELECT verdict_id, cluster_id, at, actor, found_domain, domain, cause, model_version FROM cem.cluster_verdict;

CREATE VIEW api.alarms WITH (security_barrier) AS
SELECT a.time, api.label(a.object_id) AS object_id, s.name AS source, a.alarm_id, a.cleared,
       api.label(a.severity) AS severity, api.label(a.alarm_condition) AS alarm_condition, a.specific_problem,
       api.label(a.alarm_type) AS alarm_type, api.label(a.object_type) AS object_type
FROM cem.alarm a JOIN cem.source s USING (source_id);

GRANT SELECT ON api.cluster_changes, api.cluster_tiers, api.alarms
    TO cem_operations, cem_analyst, cem_care, cem_admin;
GRANT SELECT ON api.cluster_verdicts TO cem_operations, cem_analyst, cem_admin;
