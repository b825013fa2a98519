"""Handover: runbooks as data, and their executions as the ledger tells them."""
