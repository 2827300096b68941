-- What is read into complaints: their class, what of each nothing explains, what clusters do to complainers, surges.

-- The current class of each complaint, by whom, and how much of it no cluster explains (NULL: not looked at yet).
CREATE TABLE cem.complaint_reading (
    source_id smallint NOT NULL,
    complaint_id text NOT NULL,
    version_at timestamptz NOT NULL,
    topic text NOT NULL,
    confidence double precision NOT NULL,
    classifier text NOT NULL,
    unexplained double precision,
    PRIMARY KEY (source_id, complaint_id)
);
COMMENT ON COLUMN cem.complaint_reading.unexplained IS 'By clusters of sessions and touchpoints; surges of complaints come after.';
COMMENT ON COLUMN cem.complaint_reading.classifier IS 'Version of what classified it; person where somebody corrected it.';

-- Corrections by people; the newest of a complaint counts, and all are learned from.
CREATE TABLE cem.complaint_label (
    label_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL,
    complaint_id text NOT NULL,
    topic text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX complaint_label_by_complaint ON cem.complaint_label (source_id, complaint_id, label_no DESC);

CREATE TABLE cem.cluster_risk (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    topic text NOT NULL,
    exposed integer NOT NULL,
    exposed_complaints integer NOT NULL,
    others integer NOT NULL,
    other_complaints integer NOT NULL,
    relative_risk double precision NOT NULL,
    lo double precision NOT NULL,
    hi double precision NOT NULL,
    lift double precision NOT NULL,
    attributable double precision NOT NULL,
    PRIMARY KEY (cluster_id, topic)
);
COMMENT ON COLUMN cem.cluster_risk.topic IS 'A class of the taxonomy; empty for all together.';

-- Customers hurt like the complainers who have not complained, with the risk that they still would.
CREATE TABLE cem.silent_sufferer (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    customer_key bigint NOT NULL,
    bad integer NOT NULL,
    risk double precision NOT NULL,
    PRIMARY KEY (cluster_id, customer_key)
);

-- Surges of complaints that nothing explains; those about experience are clusters as well.
CREATE TABLE cem.complaint_surge (
    surge_id text PRIMARY KEY,
    selector jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    detected_at timestamptz NOT NULL,
    ended_at timestamptz,
    complaints double precision NOT NULL,
    expected double precision NOT NULL,
    customers integer NOT NULL,
    p_value double precision NOT NULL,
    experience boolean NOT NULL
);
CREATE INDEX complaint_surge_by_time ON cem.complaint_surge (started_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON cem.complaint_reading, cem.complaint_label, cem.cluster_risk,
    cem.silent_sufferer, cem.complaint_surge TO cem_loader;
GRANT SELECT ON cem.complaint_reading, cem.complaint_label, cem.cluster_risk, cem.silent_sufferer, cem.complaint_surge
    TO cem_reader;

-- Single complaints without their text and person for those who work with groups.
CREATE VIEW api.complaint_readings WITH (security_barrier) AS
SELECT s.name AS source, c.complaint_id, c.created_at, api.label(c.channel) AS channel,
       api.label(c.category) AS category, api.label(c.app) AS app, api.label(c.cell_id) AS cell_id,
       api.label(c.status) AS status, r.topic, r.confidence, r.classifier,
       greatest(r.unexplained - coalesce((
           SELECT sum(k.probability) FROM cem.complaint_link k JOIN cem.cluster g USING (cluster_id)
           WHERE (k.source_id, k.complaint_id) = (c.source_id, c.complaint_id) AND g.over_kind = 'complaints'), 0), 0)
           AS unexplained,
       CASE WHEN api.sees_persons() THEN c.text END AS text,
       CASE WHEN api.sees_persons() THEN coalesce(o.customer_key, c.subscriber_key) END AS customer_key
FROM cem.complaint_now c
JOIN cem.source s USING (source_id)
LEFT JOIN cem.complaint_reading r USING (source_id, complaint_id)
LEFT JOIN LATERAL (
    SELECT customer_key FROM cem.customer_of m
    WHERE m.subscriber_key = c.subscriber_key AND m.valid_from <= c.created_at
    ORDER BY m.valid_from DESC LIMIT 1) o ON true;

CREATE VIEW api.cluster_risks WITH (security_barrier) AS
SELECT cluster_id, topic, exposed, exposed_complaints, others, other_complaints, relative_risk, lo, hi, lift, attributable
FROM cem.cluster_risk WHERE exposed >= api.k_anonymity();

CREATE VIEW api.complaint_surges WITH (security_barrier) AS
SELECT surge_id, selector, started_at, detected_at, ended_at, complaints, expected, p_value, experience,
       CASE WHEN customers >= api.k_anonymity() THEN customers END AS customers
FROM cem.complaint_surge;

CREATE VIEW api.silent_sufferers WITH (security_barrier) AS
SELECT cluster_id, customer_key, bad, risk FROM cem.silent_sufferer;

GRANT SELECT ON api.complaint_readings, api.cluster_risks, api.complaint_surges
    TO cem_operations, cem_analyst, cem_care, cem_admin;
GRANT SELECT ON api.silent_sufferers TO cem_care, cem_admin;
