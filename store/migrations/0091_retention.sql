-- How far back each kind of row has been dropped: scoring leaves the indices of earlier hours as they are.
CREATE TABLE cem.retained (
    name text PRIMARY KEY,
    before timestamptz NOT NULL,
    rows_dropped bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cem.retained IS 'Rows of this name with an earlier time are gone or may go at any moment; it only ever rises.';
