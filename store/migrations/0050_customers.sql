-- One customer, many identifiers: of which kind the holder of an identity is, and every change of who is whose.

ALTER TABLE cem.identity ADD COLUMN holder_kind integer;
COMMENT ON COLUMN cem.identity.holder_kind IS 'Kind of identifier that subscriber_key stands for, as `kind` is of other_key.';

CREATE TABLE cem.customer_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    batch_id bigint,
    change text NOT NULL CHECK (change IN ('merge', 'split', 'move')),
    subscriber_key bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    old_key bigint NOT NULL,
    new_key bigint NOT NULL,
    members integer NOT NULL
);
CREATE INDEX customer_change_by_subscriber ON cem.customer_change (subscriber_key, change_id);
COMMENT ON TABLE cem.customer_change IS
    'Audit of merges and splits: from valid_from on an identifier belongs to new_key (of so many members), not to old_key.';

CREATE VIEW api.customer_changes WITH (security_barrier) AS
SELECT change_id, at, batch_id, change, subscriber_key, valid_from, old_key, new_key, members FROM cem.customer_change;

GRANT SELECT ON api.customer_changes TO cem_care, cem_admin;
