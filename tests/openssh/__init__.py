"""Peers: the real ssh-keygen and ssh-agent. `make test-openssh`; nothing else needs OpenSSH."""
