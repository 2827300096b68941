-- As the tables that they stand beside.
SELECT create_hypertable('shadow.user_hour', by_range('start', INTERVAL '1 day'), create_default_indexes => false);
SELECT create_hypertable('shadow.user_day', by_range('start', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('shadow.group_index', by_range('start', INTERVAL '7 days'), create_default_indexes => false);
