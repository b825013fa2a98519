"""Peers: the real ssh-keygen, ssh-agent and sshd. `make test-openssh`; nothing else needs OpenSSH."""
