"""Printable reports, of one cluster and of a week: read in one role, in Chinese or English, set as PDF."""
