"""Campaign engine of AQUARÉEL's non-regression tests: plan, run, judge. No Prefect in here."""
