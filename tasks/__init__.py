"""The stages with side effects, as Prefect tasks."""
