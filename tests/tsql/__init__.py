"""Peer: Microsoft's own T-SQL parser. `make test-tsql`, which installs it; nothing else needs it."""
