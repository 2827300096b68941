"""Alert rules, their states, and the channels that deliver them."""
