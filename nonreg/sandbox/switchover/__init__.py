"""Gestionnaire de bascule: the one tool that moves the active role and sets up replication between both sites."""
