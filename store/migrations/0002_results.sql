-- What is made of the records: indices, indicators, clusters, links, alerts and the log of the runs that made them.

CREATE TABLE cem.version (
    version_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_version text NOT NULL,
    catalogue_version text NOT NULL,
    baseline_id integer NOT NULL DEFAULT 0,
    UNIQUE (model_version, catalogue_version, baseline_id)
);
COMMENT ON TABLE cem.version IS 'What a score was made with; every stored score names a row of it. Baseline 0: no history was used.';

CREATE TABLE cem.baseline (
    baseline_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day date NOT NULL UNIQUE,
    first_event timestamptz,
    end_event timestamptz,
    sessions bigint NOT NULL,
    bad bigint NOT NULL,
    made_at timestamptz NOT NULL
);
COMMENT ON TABLE cem.baseline IS 'The expectation for one local day, learned from event times before it only, frozen when that day is first scored.';

CREATE TABLE cem.baseline_margin (
    baseline_id integer NOT NULL REFERENCES cem.baseline ON DELETE CASCADE,
    over_kind text NOT NULL,
    attribute text NOT NULL,
    value integer NOT NULL,
    weekend smallint NOT NULL,
    hour smallint NOT NULL,
    n double precision NOT NULL,
    bad double precision NOT NULL,
    PRIMARY KEY (baseline_id, over_kind, attribute, value, weekend, hour)
);
COMMENT ON TABLE cem.baseline_margin IS 'Units and bad units of one attribute value before the day; weekend -1: any day; hour -1: all hours.';

-- One wide row of sums and the scores made of them per customer. Per dimension: n observations, w = sum of weights,
-- s1 = sum w ln x, s2 = sum w (ln x)^2, m = sum w ln mu. A customer's timeline names its starts: one index is enough.
CREATE TABLE cem.user_hour (
    start timestamptz NOT NULL,
    customer_key bigint NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    network_n integer NOT NULL,
    network_w double precision NOT NULL,
    network_s1 double precision NOT NULL,
    network_s2 double precision NOT NULL,
    network_m double precision NOT NULL,
    device_n integer NOT NULL,
    device_w double precision NOT NULL,
    device_s1 double precision NOT NULL,
    device_s2 double precision NOT NULL,
    device_m double precision NOT NULL,
    app_n integer NOT NULL,
    app_w double precision NOT NULL,
    app_s1 double precision NOT NULL,
    app_s2 double precision NOT NULL,
    app_m double precision NOT NULL,
    service_n integer NOT NULL,
    service_w double precision NOT NULL,
    service_s1 double precision NOT NULL,
    service_s2 double precision NOT NULL,
    service_m double precision NOT NULL,
    network real,
    device real,
    app real,
    service real,
    overall real,
    lo real,
    hi real,
    coverage real NOT NULL,
    limiting smallint,
    network_c real,
    device_c real,
    app_c real,
    service_c real,
    prior_c real,
    version_id integer NOT NULL,
    PRIMARY KEY (start, customer_key)
);

CREATE TABLE cem.user_day (
    start timestamptz NOT NULL,
    customer_key bigint NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    network_n integer NOT NULL,
    network_w double precision NOT NULL,
    network_s1 double precision NOT NULL,
    network_s2 double precision NOT NULL,
    network_m double precision NOT NULL,
    device_n integer NOT NULL,
    device_w double precision NOT NULL,
    device_s1 double precision NOT NULL,
    device_s2 double precision NOT NULL,
    device_m double precision NOT NULL,
    app_n integer NOT NULL,
    app_w double precision NOT NULL,
    app_s1 double precision NOT NULL,
    app_s2 double precision NOT NULL,
    app_m double precision NOT NULL,
    service_n integer NOT NULL,
    service_w double precision NOT NULL,
    service_s1 double precision NOT NULL,
    service_s2 double precision NOT NULL,
    service_m double precision NOT NULL,
    network real,
    device real,
    app real,
    service real,
    overall real,
    lo real,
    hi real,
    coverage real NOT NULL,
    limiting smallint,
    network_c real,
    device_c real,
    app_c real,
    service_c real,
    prior_c real,
    version_id integer NOT NULL,
    PRIMARY KEY (start, customer_key)
);

CREATE TABLE cem.user_period (
    start timestamptz NOT NULL,
    days smallint NOT NULL,
    customer_key bigint NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    network_n integer NOT NULL,
    network_w double precision NOT NULL,
    network_s1 double precision NOT NULL,
    network_s2 double precision NOT NULL,
    network_m double precision NOT NULL,
    device_n integer NOT NULL,
    device_w double precision NOT NULL,
    device_s1 double precision NOT NULL,
    device_s2 double precision NOT NULL,
    device_m double precision NOT NULL,
    app_n integer NOT NULL,
    app_w double precision NOT NULL,
    app_s1 double precision NOT NULL,
    app_s2 double precision NOT NULL,
    app_m double precision NOT NULL,
    service_n integer NOT NULL,
    service_w double precision NOT NULL,
    service_s1 double precision NOT NULL,
    service_s2 double precision NOT NULL,
    service_m double precision NOT NULL,
    network real,
    device real,
    app real,
    service real,
    overall real,
    lo real,
    hi real,
    coverage real NOT NULL,
    limiting smallint,
    network_c real,
    device_c real,
    app_c real,
    service_c real,
    prior_c real,
    version_id integer NOT NULL,
    PRIMARY KEY (start, days, customer_key)
);

COMMENT ON TABLE cem.user_period IS 'Trailing 7 and 28 days that end with the local day `start`.';

CREATE TABLE cem.group_index (
    grain text NOT NULL CHECK (grain IN ('15m', 'hour', 'day')),
    attribute text NOT NULL,
    start timestamptz NOT NULL,
    value integer NOT NULL,
    n_users integer NOT NULL,
    bad_users integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    expected_bad real,
    network_n integer NOT NULL,
    network_sum double precision NOT NULL,
    network_sq double precision NOT NULL,
    network real,
    network_lo real,
    network_hi real,
    device_n integer NOT NULL,
    device_sum double precision NOT NULL,
    device_sq double precision NOT NULL,
    device real,
    device_lo real,
    device_hi real,
    app_n integer NOT NULL,
    app_sum double precision NOT NULL,
    app_sq double precision NOT NULL,
    app real,
    app_lo real,
    app_hi real,
    service_n integer NOT NULL,
    service_sum double precision NOT NULL,
    service_sq double precision NOT NULL,
    service real,
    service_lo real,
    service_hi real,
    overall_n integer NOT NULL,
    overall_sum double precision NOT NULL,
    overall_sq double precision NOT NULL,
    overall real,
    overall_lo real,
    overall_hi real,
    version_id integer NOT NULL,
    PRIMARY KEY (grain, attribute, start, value)
);
COMMENT ON TABLE cem.group_index IS 'User-weighted index of a group; attribute ''all'' has value 0. *_n, *_sum and *_sq are over users and merge.';

CREATE TABLE cem.kpi_value (
    kpi text NOT NULL,
    object_id integer NOT NULL,
    start timestamptz NOT NULL,
    period_s integer NOT NULL,
    value double precision,
    numerator double precision,
    denominator double precision,
    lo double precision,
    hi double precision,
    missing_lo double precision,
    missing_hi double precision,
    n_periods integer NOT NULL,
    n_suspect integer NOT NULL,
    coverage real NOT NULL,
    flags text,
    catalogue_version text NOT NULL,
    PRIMARY KEY (kpi, start, object_id, period_s)
);

CREATE TABLE cem.kqi_value (
    grain text NOT NULL CHECK (grain IN ('15m', 'hour', 'day')),
    attribute text NOT NULL,
    start timestamptz NOT NULL,
    value integer NOT NULL,
    kqi text NOT NULL,
    numerator double precision NOT NULL,
    denominator double precision NOT NULL,
    n integer NOT NULL,
    version_id integer NOT NULL,
    PRIMARY KEY (grain, attribute, start, kqi, value)
);
COMMENT ON TABLE cem.kqi_value IS 'Sums of a service quality indicator; its value is numerator / denominator, NULL on no attempts.';

-- Windows that were looked at by detection; a window that is scored again is looked at again.
CREATE TABLE cem.detection (
    over_kind text NOT NULL,
    start timestamptz NOT NULL,
    tests integer NOT NULL,
    found integer NOT NULL,
    detected_at timestamptz NOT NULL,
    PRIMARY KEY (over_kind, start)
);

CREATE TABLE cem.cluster (
    cluster_id text PRIMARY KEY,
    over_kind text NOT NULL CHECK (over_kind IN ('sessions', 'touchpoints', 'complaints')),
    dimension text NOT NULL,
    domain text NOT NULL,
    selector jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    detected_at timestamptz NOT NULL,
    ended_at timestamptz,
    users integer NOT NULL,
    sessions integer NOT NULL,
    bad_ratio double precision NOT NULL,
    expected_ratio double precision NOT NULL,
    p_value double precision NOT NULL,
    q_value double precision NOT NULL,
    severity double precision NOT NULL,
    evidence jsonb NOT NULL,
    silent_users integer NOT NULL DEFAULT 0,
    recommendation text NOT NULL,
    version_id integer NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX cluster_by_time ON cem.cluster (started_at);

CREATE TABLE cem.cluster_window (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    start timestamptz NOT NULL,
    users integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    expected double precision NOT NULL,
    p_value double precision NOT NULL,
    q_value double precision NOT NULL,
    PRIMARY KEY (cluster_id, start)
);

CREATE TABLE cem.cluster_user (
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    customer_key bigint NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    first_bad timestamptz,
    last_bad timestamptz,
    PRIMARY KEY (cluster_id, customer_key)
);
CREATE INDEX cluster_user_by_customer ON cem.cluster_user (customer_key);

CREATE TABLE cem.complaint_link (
    source_id smallint NOT NULL,
    complaint_id text NOT NULL,
    cluster_id text NOT NULL REFERENCES cem.cluster ON DELETE CASCADE,
    probability double precision NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (source_id, complaint_id, cluster_id)
);
CREATE INDEX complaint_link_by_cluster ON cem.complaint_link (cluster_id);

CREATE TABLE cem.alert (
    alert_id text PRIMARY KEY,
    rule text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL,
    started_at timestamptz NOT NULL,
    fired_at timestamptz,
    resolved_at timestamptz,
    value double precision,
    expected double precision,
    detail jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX alert_open ON cem.alert (rule, subject) WHERE resolved_at IS NULL;

CREATE TABLE cem.alert_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL REFERENCES cem.alert ON DELETE CASCADE,
    at timestamptz NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    comment text
);

CREATE TABLE cem.delivery (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL REFERENCES cem.alert ON DELETE CASCADE,
    channel text NOT NULL,
    idempotency_key text NOT NULL,
    body jsonb NOT NULL,
    queued_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    error text,
    UNIQUE (channel, idempotency_key)
);
CREATE INDEX delivery_waiting ON cem.delivery (queued_at) WHERE delivered_at IS NULL;

CREATE TABLE cem.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    ok boolean,
    counts jsonb NOT NULL DEFAULT '{}',
    error text
);
CREATE INDEX run_by_job ON cem.run (job, started_at);
