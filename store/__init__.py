"""Records in TimescaleDB: schema, copying, labels, the identifier vault, and the intake of batches."""
