-- Complaints by quarter of an hour: where local time is half an hour or three quarters off UTC, a UTC hour holds two days.

CREATE OR REPLACE FUNCTION api.complaint_counts(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (start timestamptz, complaints bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT date_bin('15 minutes', made_at, 'epoch'), count(*) FROM (
        SELECT min(created_at) AS made_at FROM cem.complaint WHERE created_at >= from_time AND created_at < to_time
        GROUP BY source_id, complaint_id) once
    GROUP BY 1
$$;
COMMENT ON FUNCTION api.complaint_counts IS 'Complaints made in [from_time, to_time) by 15 minutes, each once however often it was changed.';
