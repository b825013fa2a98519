"""Handover: runbooks, their executions, their checks."""
