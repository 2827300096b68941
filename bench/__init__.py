"""Benchmarks: each measures one thing against a named peer or limit in the same run."""
