"""Scenarios of the family HD."""
