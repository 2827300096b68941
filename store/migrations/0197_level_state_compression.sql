-- These columns are rewritten whole every day, and compressing them with pglz was most of what that cost.
DO $$
BEGIN
    ALTER TABLE cem.level_state ALTER COLUMN keys SET COMPRESSION lz4, ALTER COLUMN counts SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN  -- a server that was built without lz4
    ALTER TABLE cem.level_state ALTER COLUMN keys SET STORAGE EXTERNAL, ALTER COLUMN counts SET STORAGE EXTERNAL;
END
$$;
