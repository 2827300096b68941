"""How much is tried: a little in `make test`, the full figures with VERIFY=full (`make verify`)."""

import os

FULL = os.environ.get("VERIFY") == "full"
KILLS = 100 if FULL else 10
RESTARTS = 20 if FULL else 2
PROXIED = 100 if FULL else 8
PARALLEL_ROUNDS = 20 if FULL else 2
SHUFFLES = 10 if FULL else 1
FUZZ_S = 600.0 if FULL else 24.0
EXAMPLES = 5000 if FULL else 150
