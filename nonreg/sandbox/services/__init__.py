"""The services of the embedded platform, each one process: `python -m nonreg.sandbox.services.NAME`."""
