"""Scenarios written in SQL alone: one `.sql` file with a comment header is one scenario, judged like any other."""
