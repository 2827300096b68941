"""What every HTTP listener shares: who may send, what waits, what is spilled, and what the answer says."""
