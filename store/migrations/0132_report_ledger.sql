-- To whom the report of which week was sent: one row for each, so that a restarted program sends none again.

CREATE TABLE cem.report_sent (
    week_end timestamptz NOT NULL,
    receiver text NOT NULL,
    sent_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    error text,
    PRIMARY KEY (week_end, receiver)
);
COMMENT ON TABLE cem.report_sent IS 'Weekly reports by receiver; sent_at is empty while none was taken, error says why.';
