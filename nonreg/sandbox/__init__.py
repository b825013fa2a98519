"""The embedded platform: a small AQUARÉEL of real processes on loopback. Nothing else imports it."""
