-- A second version of the scores beside the one in force, to be compared before anybody relies on it.

CREATE SCHEMA shadow;

CREATE TABLE cem.shadow (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    name text NOT NULL,
    catalogue text NOT NULL,
    begun_at timestamptz NOT NULL
);
COMMENT ON TABLE cem.shadow IS 'The quality catalogue, as text, that hours are scored with a second time; without a row there is no shadow.';

CREATE TABLE shadow.user_hour (LIKE cem.user_hour INCLUDING ALL);
CREATE TABLE shadow.user_day (LIKE cem.user_day INCLUDING ALL);
CREATE TABLE shadow.group_index (LIKE cem.group_index INCLUDING ALL);
COMMENT ON SCHEMA shadow IS 'Scores of the catalogue in cem.shadow; screens, alerts and exports never read them.';

GRANT USAGE ON SCHEMA shadow TO cem_loader;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA shadow TO cem_loader;
