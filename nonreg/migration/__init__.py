"""Two platforms compared before a migration: scenarios, structure and data, the first being what is left behind."""
