"""Contractual evidence in French: pure rendering of a judged campaign."""
