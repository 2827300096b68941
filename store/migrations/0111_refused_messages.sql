-- A receiver may refuse one message and take the next: such a one must not keep the others waiting for ever.

ALTER TABLE cem.delivery DROP CONSTRAINT delivery_outcome_check;
ALTER TABLE cem.delivery ADD CONSTRAINT delivery_outcome_check
    CHECK (outcome IN ('waiting', 'addressed', 'sent', 'superseded', 'refused'));
COMMENT ON COLUMN cem.delivery.outcome IS 'superseded: people were told a newer state of that alert instead. refused: its receiver would not have it, again and again, while it took others.';
