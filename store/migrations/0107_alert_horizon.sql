-- Which horizon an alert fired by: one on a small drop that lasted is over later than one on a large drop.

ALTER TABLE cem.alert ADD COLUMN horizon text;
COMMENT ON COLUMN cem.alert.horizon IS 'fast or slow, as it was when it began to fire; NULL of what is no drop.';
