"""Customers: complaints and what explains them."""
