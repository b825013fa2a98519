"""The only places that talk to a platform: SQL, SSH, HTTP. Third-party errors are translated here, once."""
