-- A file of a known name with other content is a correction: told apart by its name.
CREATE INDEX batch_by_name ON cem.batch (source_id, kind, name);
