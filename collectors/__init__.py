"""Sources: one module per format, each yielding record batches for the store."""
