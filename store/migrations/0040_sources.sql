-- How far each growing file and each Kafka partition was read: moved in the transaction that stores the rows.

CREATE TABLE cem.file_progress (
    file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES cem.source,
    kind text NOT NULL,
    name text NOT NULL,
    read_bytes bigint NOT NULL,
    digest bytea NOT NULL,
    rows_read bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (source_id, kind, digest)
);
COMMENT ON TABLE cem.file_progress IS
    'Growing files: `digest` is the SHA-256 of their first `read_bytes`, so a file is known whatever it is called.';

CREATE TABLE cem.kafka_progress (
    cluster text NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, consumer, topic, partition)
);
COMMENT ON TABLE cem.kafka_progress IS 'The offset that is read next; it, not the broker, says what is in.';
