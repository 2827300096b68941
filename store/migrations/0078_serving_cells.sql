-- What the counters said of the cells that served one customer, while they did: values of KPIs, never a session.

CREATE FUNCTION api.customer_cells(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (cell text, start timestamptz, sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT api.label(r.cell_id), to_timestamp(floor(extract(epoch FROM r.start_time) / 900) * 900), count(*)
    FROM cem.session r
    WHERE r.start_time >= from_time AND r.start_time < to_time AND r.cell_id IS NOT NULL
      AND r.subscriber_key IN (
          SELECT asked_key UNION ALL SELECT m.subscriber_key FROM cem.customer_of m WHERE m.customer_key = asked_key)
    GROUP BY 1, 2
$$;
COMMENT ON FUNCTION api.customer_cells IS 'Sessions of one customer in [from_time, to_time) by cell and 15 minutes.';

CREATE FUNCTION api.customer_cell_kpis(asked_key bigint, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (cell text, start timestamptz, kpi text, value double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.cell, c.start, k.kpi, k.value
    FROM api.customer_cells(asked_key, from_time, to_time) c
    JOIN cem.label n ON n.kind = 'cell' AND n.value = c.cell
    JOIN LATERAL (SELECT DISTINCT object_id FROM cem.cell_now w WHERE w.cell_id = n.label_id
                  UNION SELECT l.label_id FROM cem.label l WHERE l.kind = 'object' AND l.value = c.cell) o ON true
    JOIN cem.kpi_value k ON k.object_id = o.object_id AND k.start <= c.start
        AND k.start > c.start - INTERVAL '1 day' AND k.start + k.period_s * INTERVAL '1 second' > c.start
    WHERE k.value IS NOT NULL
$$;
COMMENT ON FUNCTION api.customer_cell_kpis IS 'KPIs of the cells and 15 minutes of customer_cells; a longer counter period counts for all windows in it.';

REVOKE EXECUTE ON FUNCTION api.customer_cells, api.customer_cell_kpis FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.customer_cells, api.customer_cell_kpis TO cem_care, cem_admin;

-- One cell's counters over time: what reasons, evidence and a look at one cell ask for.
CREATE INDEX kpi_value_object ON cem.kpi_value (object_id, start);
