"""Engines: they bring a window's records to the functions that rate them, and the results to the tables."""
