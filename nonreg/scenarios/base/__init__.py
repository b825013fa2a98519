"""Scenarios of the family BASE."""
