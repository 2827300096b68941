"""The vocabulary that everyone shares: record kinds, errors, windows and mergeable sums."""
