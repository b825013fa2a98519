"""Reads a database's catalog and proposes scenario files, to be reviewed and completed by a person."""
