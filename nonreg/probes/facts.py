"""The exact environment of a run, read on each site over one database session and one SSH connection.

What cannot be read is `n.d.` with the reason. Values hold no secret, address or account.
"""

from __future__ import annotations

import hashlib
import platform as python_platform
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from nonreg import environment as env
from nonreg.clients.sql import Session, open_session
from nonreg.clients.ssh import Shell, open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Database, Platform, Site
from nonreg.errors import NonregError
from nonreg.masking import hide_places
from nonreg.model import Fact
from nonreg.probes.clock import parse_clock, take_sample
from nonreg.probes.configuration import read_configuration
from nonreg.probes.replication import RUNNING_STATES, count_errors, describe_agents
from nonreg.probes.schema import SUBJECTS, read_modules, read_subject
from nonreg.probes.supervision import parse_state
from nonreg.probes.units import read_unit
from nonreg.wording import decimal

UNREADABLE = (NonregError, LookupError, ValueError, TypeError)
SHOWN_HASH_CHARS = 12
STARTING_STATES = {"startup", "catchup"}  # of an agent that has just been started: it runs
Named = Iterable[tuple[str, str]]


def read_facts(platform: Platform, mark: datetime | None = None) -> tuple[Fact, ...]:
    """What each site says of itself; `mark` is the instant from which logs are cut, now when not given."""
    instant = (mark or datetime.now(UTC)).astimezone(UTC)
    facts = [Fact(env.SCOPE, part, what) for part, what in platform.scope.items()]
    facts.append(Fact(env.BENCH, env.PYTHON, python_platform.python_version()))
    facts.append(Fact(env.BENCH, env.LOG_MARK, f"{instant:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"))
    parts = [(site, read) for site in platform.sites for read in (_read_role, _read_database, _read_host)]
    with ThreadPoolExecutor(len(parts)) as pool:  # what is silent costs its timeout once
        for (site, _), named in zip(
            parts, pool.map(lambda part: list(part[1](platform, part[0])), parts), strict=True
        ):
            facts += [Fact(site.code, name, value) for name, value in named]
    return tuple(facts)


def _read_role(platform: Platform, site: Site) -> Named:
    """Role of a site that has no database to tell it."""
    return [] if site.database else [(env.ROLE, ask(platform, lambda: read_supervision_role(site)))]


def ask(platform: Platform, read: Callable[[], str]) -> str:
    """What `read` gives, or `n.d.` with the reason."""
    try:
        return read()
    except UNREADABLE as error:
        return f"{env.UNKNOWN} ({hide_places(str(error), platform)})"


def _read_database(platform: Platform, site: Site) -> Named:
    if site.database is None:
        return []
    return [*state_encryption(site.database), *_ask_database(platform, site)]


def state_encryption(database: Database) -> Named:
    """What the platform file asks of the link to SQL Server: every report says it, above all when nothing is sure."""
    if database.engine != "mssql":
        return []
    odbc = database.odbc
    if odbc.encrypt == "no":
        said = "aucun (encrypt = « no »)"
    elif odbc.trust_server_certificate and odbc.encrypt != "strict":  # strict always verifies it
        said = "TLS, certificat du serveur NON vérifié (trust_server_certificate)"
    else:
        said = f"TLS ({odbc.encrypt}), certificat du serveur vérifié"
    return [(env.ENCRYPTION, said)]


def _ask_database(platform: Platform, site: Site) -> Named:
    def ask_in_turn(session: Session, read: Callable[[Session], str]) -> str:
        value = ask(platform, lambda: read(session))
        session.commit()  # what failed must not make the next one fail
        return value

    try:
        with open_session(platform, site) as session:
            return [(name, ask_in_turn(session, read)) for name, read in DATABASE_READS.items()]
    except NonregError as error:
        reason = f"{env.UNKNOWN} ({hide_places(str(error), platform)})"
        return [(name, reason) for name in DATABASE_READS]


def read_publications(session: Session) -> str:
    """`publication (25 articles), …`."""
    shown = []
    for row in session.query("publications").dicts():
        articles = session.query("publication_articles", publication=row["publication"])
        shown.append(f"{row['publication']} ({len(articles.rows)} articles)")
    return ", ".join(shown) or "aucune"


def read_subscriptions(session: Session) -> str:
    """`abonnement activé (25 articles, dont 25 prêts), …`."""
    articles = session.query("subscription_articles")
    ready = sum(state == "prêt" for _, state in articles.rows)
    shown = [
        f"{row['subscription']} {'activé' if row['is_enabled'] else 'désactivé'}"
        for row in session.query("subscriptions").dicts()
    ]
    return f"{', '.join(shown)} ({len(articles.rows)} articles, dont {ready} prêts)" if shown else "aucun"


def read_agents(session: Session) -> str:
    """State of the agents of both directions, `réception sub_site_b : en marche`."""
    running = RUNNING_STATES | STARTING_STATES
    shown = [
        f"{side} {name} : {'en marche' if state in running else state}"
        for side, query in (("émission", "publisher_agents"), ("réception", "subscriber_agents"))
        for name, _, state in describe_agents(session.query(query))
    ]
    return ", ".join(shown) or "aucun"


def read_subject_hash(session: Session, subject: str) -> str:
    """Hash of the rows of one schema subject, in any order."""
    return shorten_hash("\n".join(sorted("\t".join(row) for row in read_subject(session, subject).rows)))


def read_modules_hash(session: Session) -> str:
    """Hash of all modules, by name."""
    found = sorted((module.name, module.sha256) for module in read_modules(session))
    return shorten_hash("\n".join(f"{name}\t{sha256}" for name, sha256 in found))


def shorten_hash(text: str) -> str:
    """Beginning of the SHA-256 of a text: enough to see that two differ."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:SHOWN_HASH_CHARS]


DATABASE_READS: dict[str, Callable[[Session], str]] = {
    env.SERVER_VERSION: lambda session: str(session.query("server_version").scalar()),
    env.APPLICATION_VERSION: lambda session: str(
        session.query("platform_identity").dicts()[0]["version_app"]
    ),
    env.DATASET: lambda session: str(session.query("parameter", code="JEU_DE_DONNEES").scalar()),
    env.ROLE: lambda session: str(session.query("site_role").scalar()),
    env.PUBLICATIONS: read_publications,
    env.SUBSCRIPTIONS: read_subscriptions,
    env.AGENTS: read_agents,
    **{
        env.SCHEMA + env.SUBJECT_LABELS[subject]: (
            lambda session, subject=subject: read_subject_hash(session, subject)  # type: ignore[misc]
        )
        for subject in SUBJECTS
    },
    env.MODULES: read_modules_hash,
    env.POSITION_MARK: lambda session: str(session.query("publisher_position").scalar()),
    env.REPLICATION_ERRORS: lambda session: str(count_errors(session.query("replication_errors"))),
}


def _read_host(platform: Platform, site: Site) -> Named:
    reads: dict[str, Callable[[Shell], str]] = {
        env.SYSTEM: lambda shell: shell.run("system").require().strip(),
        env.STOPPED_SERVICES: lambda shell: read_stopped_services(shell, site.host.services),
        **{
            env.SERVICE_VERSION + service: (
                lambda shell, service=service: (
                    shell.run(  # type: ignore[misc]
                        "read", path=f"version/{service}.txt"
                    )
                    .require()
                    .strip()
                )
            )
            for service in site.host.services
        },
        env.FREE_DISK: lambda shell: show_gigabytes(int(shell.run("disk_free").require().split()[-1])),
        env.CLOCK_OFFSET: lambda shell: show_offset(
            take_sample(lambda: parse_clock(shell.run("clock").require())).drift
        ),
    }
    try:
        with open_shell(platform, site.host) as shell:
            named = [(name, ask(platform, lambda read=read: read(shell))) for name, read in reads.items()]  # type: ignore[misc]
            return [*named, *_read_configuration(platform, shell)]
    except NonregError as error:
        reason = f"{env.UNKNOWN} ({hide_places(str(error), platform)})"
        return [(name, reason) for name in (*reads, env.CONFIGURATION + "fichiers")]


def _read_configuration(platform: Platform, shell: Shell) -> Named:
    try:
        found = read_configuration(shell)
    except UNREADABLE as error:
        return [(env.CONFIGURATION + "fichiers", f"{env.UNKNOWN} ({hide_places(str(error), platform)})")]
    return [(env.CONFIGURATION + name, sha256[:SHOWN_HASH_CHARS]) for name, sha256 in found.items()]


def read_stopped_services(shell: Shell, services: Iterable[str]) -> str:
    """`echange (mort)`: services that do not run, and whether somebody stopped them."""
    shown = []
    for service in services:
        state = read_unit(shell.run("service_state", service=service))
        if not state.is_running:
            shown.append(f"{service} ({env.DIED if state.active == 'failed' else env.STOPPED})")
    return ", ".join(shown) or env.NOTHING_STOPPED


def read_supervision_role(site: Site) -> str:
    """Role that the supervision service of a site without database gives it."""
    if site.web.supervision is None:
        return env.UNKNOWN
    with WebSession(site.web.supervision, site.web.timeout_seconds) as web:
        return parse_state(web.get("/etat")).role


def show_gigabytes(count: int) -> str:
    """A number of bytes, rounded to what matters."""
    gigabytes = count / 1e9
    return f"{decimal(gigabytes)} Go" if gigabytes < 10 else f"{gigabytes:.0f} Go"


def show_offset(seconds: float) -> str:
    """A clock offset, rounded to 0.1 s; never `-0,0`."""
    return f"{decimal(seconds)} s"
