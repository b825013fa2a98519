"""The tracking platform: adapters behind one protocol, and the outbox through which everything is posted."""
