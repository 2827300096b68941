SELECT create_hypertable('cem.alarm', by_range('time', INTERVAL '30 days'), create_default_indexes => false);
SELECT create_hypertable('cem.event_seen', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
