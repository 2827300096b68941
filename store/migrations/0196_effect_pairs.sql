-- Rounded to single precision every day, the sums of a month made normal equations without a solution.

COMMENT ON TABLE cem.effect_pairs IS 'Sessions that two levels of the state share: int32 places of keys, first <= second, float64 sessions (float32 in a state of before).';
