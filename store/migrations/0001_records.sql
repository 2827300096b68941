-- Records as they came: what was delivered, by whom, when, and what was refused.

CREATE SCHEMA cem;

CREATE TABLE cem.installation (
    name text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE cem.installation IS 'What is fixed when the database is made: the operator''s time zone, chunk length.';

CREATE TABLE cem.source (
    source_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- Names out of bounded sets (cells, apps, servers, plans ...) are stored as numbers; 0 stands for "not given" in sums.
CREATE TABLE cem.label (
    label_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    value text NOT NULL,
    UNIQUE (kind, value)
);

CREATE TABLE cem.batch (
    batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES cem.source,
    kind text NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    size_bytes bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_stored bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_quarantined bigint NOT NULL DEFAULT 0,
    seconds real NOT NULL DEFAULT 0,
    UNIQUE (source_id, kind, digest)
);
COMMENT ON TABLE cem.batch IS 'The ledger: one row for every file, scrape or event list that is in, committed with its rows.';

CREATE TABLE cem.quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id bigint REFERENCES cem.batch ON DELETE CASCADE,
    source_id smallint NOT NULL REFERENCES cem.source,
    kind text NOT NULL,
    name text NOT NULL,
    row_number bigint,
    code text NOT NULL,
    column_name text,
    reason text NOT NULL,
    sealed bytea,
    key_id smallint,
    arrived_at timestamptz NOT NULL
);
CREATE INDEX quarantine_by_arrival ON cem.quarantine (arrived_at);
COMMENT ON COLUMN cem.quarantine.sealed IS 'The record as it came, under AES-256-GCM: nonce, then ciphertext.';

-- Append-only: a mark that a worker has not read is never deleted by it (no unique key on purpose).
CREATE TABLE cem.dirty (
    mark_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    window_start timestamptz NOT NULL,
    batch_id bigint
);
CREATE INDEX dirty_by_window ON cem.dirty (kind, window_start);

-- How far each live source has come: the greatest event time that it delivered.
CREATE TABLE cem.watermark (
    source_id smallint NOT NULL REFERENCES cem.source,
    kind text NOT NULL,
    watermark timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, kind)
);

CREATE TABLE cem.session (
    subscriber_key bigint NOT NULL,
    start_time timestamptz NOT NULL,
    source_id smallint NOT NULL,
    session_id text NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    duration_ms integer,
    tac integer,
    cell_id integer,
    access integer,
    access_node integer,
    screen integer,
    service integer NOT NULL,
    app integer,
    server integer,
    core_node integer,
    plan integer,
    success boolean NOT NULL,
    failure_cause integer,
    bytes_dl bigint,
    bytes_ul bigint,
    throughput_dl_kbps real,
    throughput_ul_kbps real,
    rtt_client_ms real,
    rtt_server_ms real,
    loss_dl real,
    loss_ul real,
    jitter_ms real,
    dns_ms real,
    connect_ms real,
    tls_ms real,
    ttfb_ms real,
    page_load_ms real,
    startup_ms real,
    stall_count real,
    stall_ms real,
    play_ms real,
    stall_at_ms integer[],
    video_kbps real,
    video_fps real,
    video_height real,
    video_codec integer,
    audio_kbps real,
    voice_codec integer,
    voice_kbps real,
    setup_ms real,
    delay_ms real,
    dropped boolean,
    deliver_ms real,
    rsrp_dbm real,
    sinr_db real
);
COMMENT ON TABLE cem.session IS 'One finished service session a row; units are in the column names. Its one index serves deduplication and a customer''s timeline.';
CREATE UNIQUE INDEX session_identity ON cem.session (subscriber_key, start_time, source_id, session_id);

CREATE TABLE cem.counter (
    object_id integer NOT NULL,
    counter integer NOT NULL,
    time timestamptz NOT NULL,
    period_s integer NOT NULL,
    source_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    value double precision,
    bins double precision[],
    suspect boolean
);
COMMENT ON TABLE cem.counter IS 'Network counters, every delivered version; `time` is the end of the period, `bins` a vector value.';
CREATE INDEX counter_by_time ON cem.counter (time, object_id);

CREATE TABLE cem.touchpoint (
    subscriber_key bigint NOT NULL,
    time timestamptz NOT NULL,
    source_id smallint NOT NULL,
    event_id text NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    channel integer,
    activity integer,
    stage integer,
    wait_s real,
    handle_s real,
    success boolean,
    transfers integer,
    rating integer,
    product integer,
    campaign integer
);
CREATE UNIQUE INDEX touchpoint_identity ON cem.touchpoint (subscriber_key, time, source_id, event_id);

CREATE TABLE cem.survey (
    subscriber_key bigint NOT NULL,
    time timestamptz NOT NULL,
    source_id smallint NOT NULL,
    survey_id text NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    kind integer NOT NULL,
    score real NOT NULL,
    text text
);
CREATE UNIQUE INDEX survey_identity ON cem.survey (subscriber_key, time, source_id, survey_id);

CREATE TABLE cem.complaint (
    source_id smallint NOT NULL,
    complaint_id text NOT NULL,
    created_at timestamptz NOT NULL,
    version_at timestamptz NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    subscriber_key bigint NOT NULL,
    channel integer,
    category integer,
    text text,
    cell_id integer,
    lat real,
    lon real,
    app integer,
    status integer,
    resolved_at timestamptz,
    updated_at timestamptz,
    satisfaction integer,
    PRIMARY KEY (source_id, complaint_id, version_at, arrived_at)
);
COMMENT ON COLUMN cem.complaint.version_at IS 'updated_at where the source gives it, else created_at: the greatest (version_at, arrived_at) is the current version.';
CREATE INDEX complaint_by_subscriber ON cem.complaint (subscriber_key, created_at);
CREATE INDEX complaint_by_time ON cem.complaint (created_at);

CREATE VIEW cem.complaint_now AS
SELECT DISTINCT ON (source_id, complaint_id) *
FROM cem.complaint
ORDER BY source_id, complaint_id, version_at DESC, arrived_at DESC, batch_id DESC;

CREATE TABLE cem.cell (
    cell_id integer NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    source_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    site_id integer,
    rat integer,
    band integer,
    lat real,
    lon real,
    azimuth_deg real,
    vendor integer,
    region integer,
    city integer,
    object_id integer,
    PRIMARY KEY (cell_id, valid_from, arrived_at, batch_id)
);

CREATE TABLE cem.device (
    tac integer NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    source_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    brand integer,
    model integer,
    os integer,
    max_rat integer,
    release_year integer,
    PRIMARY KEY (tac, valid_from, arrived_at, batch_id)
);

CREATE TABLE cem.subscriber (
    subscriber_key bigint NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    source_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    plan integer,
    segment integer,
    status integer,
    tenure_months integer,
    arpu real,
    vip_level integer,
    birth_year integer,
    gender integer,
    home_cell integer,
    consent boolean,
    PRIMARY KEY (subscriber_key, valid_from, arrived_at, batch_id)
);

CREATE TABLE cem.access_node (
    access_node integer NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    source_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    kind integer,
    site_id integer,
    lat real,
    lon real,
    region integer,
    PRIMARY KEY (access_node, valid_from, arrived_at, batch_id)
);

CREATE TABLE cem.identity (
    subscriber_key bigint NOT NULL,
    other_key bigint NOT NULL,
    kind integer NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    source_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (subscriber_key, other_key, valid_from, arrived_at, batch_id)
);
CREATE INDEX identity_by_other ON cem.identity (other_key);
COMMENT ON TABLE cem.identity IS 'Which identifiers (by their tokens) an operator says belong to one customer.';

-- The newest delivered version of each inventory row, with the time from which it holds.
CREATE VIEW cem.cell_now AS
SELECT DISTINCT ON (cell_id, valid_from) * FROM cem.cell ORDER BY cell_id, valid_from, arrived_at DESC, batch_id DESC;
CREATE VIEW cem.device_now AS
SELECT DISTINCT ON (tac, valid_from) * FROM cem.device ORDER BY tac, valid_from, arrived_at DESC, batch_id DESC;
CREATE VIEW cem.subscriber_now AS
SELECT DISTINCT ON (subscriber_key, valid_from) * FROM cem.subscriber
ORDER BY subscriber_key, valid_from, arrived_at DESC, batch_id DESC;
CREATE VIEW cem.access_node_now AS
SELECT DISTINCT ON (access_node, valid_from) * FROM cem.access_node
ORDER BY access_node, valid_from, arrived_at DESC, batch_id DESC;

-- Applied at scoring; an identifier without a row here is a customer of its own (customer_key = subscriber_key).
CREATE TABLE cem.customer_of (
    subscriber_key bigint NOT NULL,
    customer_key bigint NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (subscriber_key, valid_from)
);
CREATE INDEX customer_of_by_customer ON cem.customer_of (customer_key);
