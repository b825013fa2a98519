"""Peers: a real Redmine 5, of Debian's packages. `make test-redmine`; nothing else needs Redmine."""
