-- With TimescaleDB the tables that grow with time are hypertables: old chunks are dropped whole.
-- Chunks of the raw tables are short so that the one random index of what is being written stays in memory.

SELECT create_hypertable('cem.session', by_range('start_time',
    make_interval(hours => coalesce(nullif(current_setting('cem.session_chunk_hours', true), ''), '1')::integer)),
    create_default_indexes => false);
SELECT create_hypertable('cem.counter', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('cem.touchpoint', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('cem.survey', by_range('time', INTERVAL '30 days'), create_default_indexes => false);
SELECT create_hypertable('cem.user_hour', by_range('start', INTERVAL '1 day'), create_default_indexes => false);
SELECT create_hypertable('cem.user_day', by_range('start', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('cem.group_index', by_range('start', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('cem.kpi_value', by_range('start', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('cem.kqi_value', by_range('start', INTERVAL '7 days'), create_default_indexes => false);
