-- How wide an antenna's beam is, where the inventory says it: sectors on the map are drawn by it.

ALTER TABLE cem.cell ADD COLUMN beamwidth_deg real;
COMMENT ON COLUMN cem.cell.beamwidth_deg IS 'Horizontal 3 dB beamwidth.';

CREATE OR REPLACE VIEW cem.cell_now AS
SELECT DISTINCT ON (cell_id, valid_from) * FROM cem.cell ORDER BY cell_id, valid_from, arrived_at DESC, batch_id DESC;

CREATE OR REPLACE VIEW api.cells WITH (security_barrier) AS
SELECT DISTINCT ON (c.cell_id) n.value AS cell_id, s.value AS site_id, r.value AS rat, b.value AS band, c.lat, c.lon,
       c.azimuth_deg, v.value AS vendor, g.value AS region, t.value AS city, coalesce(o.value, n.value) AS object_id,
       c.beamwidth_deg
FROM cem.cell_now c
JOIN cem.label n ON n.label_id = c.cell_id
LEFT JOIN cem.label s ON s.label_id = c.site_id
LEFT JOIN cem.label r ON r.label_id = c.rat
LEFT JOIN cem.label b ON b.label_id = c.band
LEFT JOIN cem.label v ON v.label_id = c.vendor
LEFT JOIN cem.label g ON g.label_id = c.region
LEFT JOIN cem.label t ON t.label_id = c.city
LEFT JOIN cem.label o ON o.label_id = c.object_id
ORDER BY c.cell_id, c.valid_from DESC;
