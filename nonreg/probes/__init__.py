"""One subject a file: a question asked of a client and a pure parser of its answer."""
