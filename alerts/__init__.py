"""Alerts: rules on group indices, their states, and the messages that they send."""
