"""Scenarios of the family APPLICATIF."""
