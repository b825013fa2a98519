"""The exact environment of a run: server and system versions read on each site."""

from __future__ import annotations

import platform as python_platform
from collections.abc import Callable

from nonreg.clients.sql import open_session
from nonreg.clients.ssh import open_shell
from nonreg.config import Platform, Site
from nonreg.errors import NonregError
from nonreg.model import Fact, SiteRole
from nonreg.probes.replication import count_errors

# Counted from the server's start: a scenario later compares with this mark.
REPLICATION_ERRORS = "Erreurs de réplication avant la campagne"


def read_facts(platform: Platform) -> tuple[Fact, ...]:
    """What each site says of itself; what it does not say is `n.d.` with the reason."""
    facts = [Fact("Périmètre", part, what) for part, what in platform.scope.items()]
    facts.append(Fact("poste de lancement", "Python", python_platform.python_version()))
    for site in platform.sites:
        if site.database is not None:
            facts.append(_read(site, "Serveur de base de données", platform, _server_version))
            facts.append(_read(site, "Version de l'application en base", platform, _application_version))
        if site.role is SiteRole.PASSIF:
            facts.append(_read(site, REPLICATION_ERRORS, platform, _replication_errors))
        facts.append(_read(site, "Système", platform, _system))
    return tuple(facts)


def _read(site: Site, name: str, platform: Platform, read: Callable[[Platform, Site], str]) -> Fact:
    try:
        value = read(platform, site)
    except NonregError as error:
        value = f"n.d. ({error})"
    return Fact(site.code, name, value)


def _server_version(platform: Platform, site: Site) -> str:
    with open_session(platform, site) as session:
        return str(session.query("server_version").scalar())


def _application_version(platform: Platform, site: Site) -> str:
    with open_session(platform, site) as session:
        return str(session.query("platform_identity").dicts()[0]["version_app"])


def _replication_errors(platform: Platform, site: Site) -> str:
    with open_session(platform, site) as session:
        return str(count_errors(session.query("replication_errors")))


def _system(platform: Platform, site: Site) -> str:
    with open_shell(platform, site.host) as shell:
        return shell.run("system").require().strip()
