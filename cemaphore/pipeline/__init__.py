"""What turns records into results: scoring, detection and what they share; idempotent, window by window."""
