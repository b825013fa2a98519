"""Guards PRE-01…10 (DOMAIN §2.0): all are asked before anything runs; one refusal and nothing is executed.

A guard that cannot be asked is UNKNOWN and stops the campaign as a refusal does.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from nonreg import baseline
from nonreg.clients.sql import open_session
from nonreg.clients.ssh import open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Platform, Site
from nonreg.drills.register import open_register
from nonreg.errors import NonregError, RequestFailed
from nonreg.grants.declared import read_declared
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, load_manifest
from nonreg.grants.preflight import tell_shortly
from nonreg.lock import Lock
from nonreg.model import CampaignPlan, GuardResult, GuardStatus, Nature, SiteRole
from nonreg.tickets import TICKET_PATTERN

PASSED, REFUSED = GuardStatus.PASSED, GuardStatus.REFUSED
Answer = tuple[GuardStatus, str]
GUARDS_AT_ONCE = 4


def check_guards(
    platform: Platform, plan: CampaignPlan, lock: Lock, scenarios_dir: Path
) -> tuple[GuardResult, ...]:
    """Answers of all guards, in order. PRE-01 comes first: on a platform that is not TEST nothing else is asked.

    The others are asked some at once: each opens its own connections, and what is silent costs its timeout once.
    """
    guards: list[tuple[str, str, Callable[[], Answer]]] = [
        ("PRE-01", "La cible est la plateforme de test", lambda: check_identity(platform)),
        ("PRE-02", "Chaque site déclare le rôle attendu", lambda: check_roles(platform)),
        ("PRE-03", "Destinataires d'alarme autorisés", lambda: check_recipients(platform)),
        ("PRE-04", "Destinations d'export autorisées", lambda: check_export_hosts(platform)),
        (
            "PRE-05",
            "Ni mode crise, ni autre campagne, ni affinage bloqué",
            lambda: check_quiet(platform, lock),
        ),
        ("PRE-06", "Jeu de données et référence intègres", lambda: check_reference(platform)),
        ("PRE-07", "Espace disque suffisant", lambda: check_disk(platform, plan)),
        (
            "PRE-08",
            "Les comptes ont les droits attendus, et ceux-là seulement",
            lambda: check_least_privilege(platform, plan, scenarios_dir),
        ),
        ("PRE-09", "Aucun lien avec un réseau de production", lambda: check_no_production_link(platform)),
        ("PRE-10", "Ticket et opérateur connus", lambda: check_traceability(plan)),
    ]
    first = ask_guard(*guards[0])
    if first.status is not PASSED:
        message = "PRE-01 n'est pas levée."
        return (
            first,
            *(
                GuardResult(guard_id, title, GuardStatus.NOT_ASKED, message)
                for guard_id, title, _ in guards[1:]
            ),
        )
    with ThreadPoolExecutor(GUARDS_AT_ONCE) as pool:
        return (first, *pool.map(lambda guard: ask_guard(*guard), guards[1:]))


def ask_guard(guard_id: str, title: str, ask: Callable[[], Answer]) -> GuardResult:
    """The answer of one guard; UNKNOWN when it cannot be asked."""
    try:
        status, message = ask()
    except NonregError as error:
        status, message = GuardStatus.UNKNOWN, str(error)
    except Exception as error:  # what stands between a campaign and a platform answers, or stops it
        status, message = (
            GuardStatus.UNKNOWN,
            f"Contrôle impossible sur ce poste : {type(error).__name__}, {error}.",
        )
    return GuardResult(guard_id, title, status, message)


def blocks(guards: tuple[GuardResult, ...]) -> bool:
    """True when at least one guard forbids to go on."""
    return any(guard.status.stops for guard in guards)


def judge(problems: list[str], passed: str) -> Answer:
    """REFUSED with the problems, or PASSED."""
    return (REFUSED, " ; ".join(problems) + ".") if problems else (PASSED, passed)


def is_denied(server: str, denied: tuple[str, ...]) -> bool:
    """True when a server is in a denied network or matches a denied name."""
    for entry in denied:
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            if fnmatch.fnmatch(server.lower(), f"*{entry.lower()}*"):
                return True
            continue
        try:
            if ipaddress.ip_address(server) in network:
                return True
        except ValueError:
            continue
    return False


def check_identity(platform: Platform) -> Answer:
    """PRE-01: allow-list, deny-list, nature in the file, marker and token in every database."""
    problems = find_foreign(platform)
    if not problems:
        for site in platform.sites:
            if site.database is not None:
                problems += find_wrong_marker(platform, site)
    return judge(problems, "Nature TEST, marqueurs et jetons conformes.")


def find_foreign(platform: Platform) -> list[str]:
    """What the platform file alone says against it: its nature, and servers that are denied or not allowed."""
    problems = []
    if platform.nature is not Nature.TEST:
        problems.append(f"le fichier de plateforme déclare la nature {platform.nature}")
    for server in sorted(list_servers(platform)):
        if is_denied(server, platform.allowed.denied_servers):
            problems.append(f"le serveur {server} est interdit")
        elif server not in platform.allowed.servers:
            problems.append(f"le serveur {server} n'est pas dans la liste autorisée")
    return problems


def list_servers(platform: Platform) -> set[str]:
    """Every server that a campaign may command or write to, those of the drills included."""
    servers = {site.host.address for site in platform.sites}
    servers |= {site.database.host for site in platform.sites if site.database}
    if platform.drills.hypervisor is not None:
        servers.add(platform.drills.hypervisor.address)
    if platform.drills.link_control is not None:
        servers.add(urlsplit(platform.drills.link_control).hostname or platform.drills.link_control)
    return servers


def find_wrong_marker(platform: Platform, site: Site) -> list[str]:
    """What the database of a site says of itself that it should not."""
    with open_session(platform, site) as session:
        rows = session.query("platform_identity").dicts()
    if len(rows) != 1:
        return [f"{site.code} n'a pas de marqueur d'identité"]
    if rows[0]["nature"] != Nature.TEST:
        return [f"{site.code} porte le marqueur {rows[0]['nature']}"]
    if rows[0]["jeton"].lower() != platform.identity_token.lower():
        return [f"{site.code} porte le jeton d'une autre plateforme"]
    return []


def check_roles(platform: Platform) -> Answer:
    """PRE-02: each site says its own role; the surveillance site answers through its supervision service."""
    problems = []
    for site in platform.sites:
        if site.database is not None:
            with open_session(platform, site) as session:
                role = str(session.query("site_role").scalar())
        else:
            role = read_supervision_role(site.web.supervision, site.web.timeout_seconds)
        if role != site.role:
            problems.append(f"{site.code} se déclare {role}, {site.role} attendu")
    return judge(problems, ", ".join(f"{site.code} {site.role}" for site in platform.sites) + ".")


def read_supervision_role(url: str | None, timeout_seconds: float) -> str:
    """Role that a supervision service declares."""
    import json

    if url is None:
        return "inconnu"
    with WebSession(url, timeout_seconds) as web:
        answer = web.get("/etat")
    try:
        return str(json.loads(answer.body)["role"])
    except (ValueError, KeyError, TypeError):
        return "inconnu"


def check_recipients(platform: Platform) -> Answer:
    """PRE-03: every phone number and mail is a test one; values are never shown."""
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        operators = session.query("operators").dicts()
    allowed = platform.allowed.recipients
    problems = [
        f"l'opérateur n° {operator['ope_id']} a un destinataire réel ({field})"
        for operator in operators
        for field in ("ope_tel", "ope_mail")
        if not any(fnmatch.fnmatchcase(operator[field], pattern) for pattern in allowed)
    ]
    return judge(problems, f"{len(operators)} opérateur(s) d'essai.")


def check_export_hosts(platform: Platform) -> Answer:
    """PRE-04: every active export goes to an allowed host."""
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        tasks = session.query("export_tasks").dicts()
    problems = [
        f"la tâche « {task['tac_nom']} » exporte vers {task['tac_hote']}"
        for task in tasks
        if task["tac_hote"] not in platform.allowed.export_hosts
    ]
    return judge(problems, f"{len(tasks)} tâche(s) vers des puits d'essai.")


def check_quiet(platform: Platform, lock: Lock) -> Answer:
    """PRE-05: our lock is held, nothing is left to heal, crisis mode is off, refinement is not stuck."""
    if not lock.held:
        return (GuardStatus.UNKNOWN if lock.unreachable else REFUSED), lock.message
    problems = [
        f"{entry.scenario_id} n'est pas guéri ({entry.fault.action}, passage {entry.run_id})"
        for entry in open_register(platform).pending()
    ]
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        if session.query("parameter", code="MODE_CRISE").scalar() != "0":
            problems.append("le mode crise est actif")
        stuck = session.query("stuck_refinement").scalar()
        if stuck:
            problems.append(f"{stuck} valeur(s) en tampon attendent l'affinage depuis trop longtemps")
    return judge(problems, "Plateforme au calme, verrou posé.")


def check_reference(platform: Platform) -> Answer:
    """PRE-06: the data set is the expected version, its files and the baseline's have their recorded hashes."""
    problems = list(baseline.verify_files(baseline.dataset_dir(platform.dataset)))
    problems += baseline.verify_files(baseline.baseline_dir(platform.baseline))
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        version = session.query("parameter", code="JEU_DE_DONNEES").scalar()
    if version != platform.dataset:
        problems.append(f"jeu de données {version} en base, {platform.dataset} attendu")
    return judge(problems, f"Jeu {platform.dataset}, référence {platform.baseline}, empreintes vérifiées.")


def check_disk(platform: Platform, plan: CampaignPlan) -> Answer:
    """PRE-07: free space on every host, and a recent backup before anything disruptive."""
    old, backups = check_backup(platform) if plan.drills else ([], NO_BACKUP_NEEDED)
    limit = platform.limits.get("disk_free_bytes")
    if limit is None:
        if old:
            return judge(old, "")
        return GuardStatus.NOT_APPLICABLE, f"Aucune marge convenue (limits.disk_free_bytes). {backups}"
    problems = old
    for site in platform.sites:
        with open_shell(platform, site.host) as shell:
            free = int(shell.run("disk_free").require().split()[-1])
        if free < limit:
            problems.append(f"{site.host.name} n'a que {free / 1e6:.0f} Mo libres")
    return judge(problems, f"Au moins {limit / 1e6:.0f} Mo libres sur chaque hôte. {backups}")


def check_backup(platform: Platform) -> tuple[list[str], str]:
    """Problems with the last good full backup, and what to say when there is none."""
    limit = platform.limits.get("backup_age_hours")
    if limit is None:
        return [], "Sauvegardes : sans objet, aucun âge convenu (limits.backup_age_hours)."
    site = platform.site(SiteRole.ACTIF)
    with open_session(platform, site) as session:
        rows = session.query("last_backup_age_hours").rows
    if not rows or rows[0][0] is None:
        return [f"aucune sauvegarde complète de {site.code} n'est connue"], ""
    hours = float(rows[0][0])
    if not 0 <= hours <= limit:
        return [f"la dernière sauvegarde complète de {site.code} a {hours:.0f} h, {limit:g} h au plus"], ""
    return [], f"Dernière sauvegarde complète il y a {hours:.0f} h."


NO_BACKUP_NEEDED = "Sauvegardes : sans objet, aucun scénario perturbateur."
# What the campaign's accounts must not be able to do, whoever granted it.
FORBIDDEN = (
    ("reader", "forbidden_write"),
    ("reader", "forbidden_accounts"),
    ("writer", "forbidden_write"),
    ("writer", "forbidden_accounts"),
)


def check_least_privilege(platform: Platform, plan: CampaignPlan, scenarios_dir: Path) -> Answer:
    """PRE-08: what the accounts must not do is tried, and what they may do is compared with the manifest."""
    problems = find_accepted(platform)
    manifest = load_manifest().needed_for(plan.declared).having(read_declared(scenarios_dir))
    unseen: dict[str, None] = {}
    for site in (site for site in platform.sites if site.database is not None):
        for account in Account:
            judgement = check_account(platform, site, account, manifest)
            if not judgement.is_right:
                problems.append(f"{site.code}, {tell_shortly(judgement)}")
            unseen |= dict.fromkeys(f"non vérifié sur {site.code} : {one}" for one in judgement.unseen)
    said = ("Droits conformes au manifeste, écritures directes et lecture des comptes refusées.", *unseen)
    return judge(problems, " ".join(said))


def find_accepted(platform: Platform) -> list[str]:
    """What an account can do that it must not; whatever is accepted is undone at once."""
    problems = []
    for site in platform.sites:
        if site.database is None:
            continue
        for account, name in FORBIDDEN:
            if is_accepted(platform, site, account, name):
                problems.append(f"le compte {account} de {site.code} peut faire {name}")
    return problems


def is_accepted(platform: Platform, site: Site, account: str, name: str) -> bool:
    """Whether an account can run that query, which is undone; RequestFailed when anything but a right stops it."""
    with open_session(platform, site, account) as session:
        code = session.try_query(name)
        if code and not session.is_right_refusal(code):  # an object of another name proves nothing of rights
            raise RequestFailed(
                f"{name}, essayé par le compte {account} de {site.code}, échoue pour une autre raison qu'un "
                f"droit ({code}) : rien n'est prouvé."
            )
    return not code


def check_no_production_link(platform: Platform) -> Answer:
    """PRE-09: no local address in, and no established connection to, a denied network."""
    denied = platform.allowed.denied_servers
    addresses = {a.address for found in psutil.net_if_addrs().values() for a in found}
    problems = [
        f"ce poste a l'adresse {one} d'un réseau interdit"
        for one in sorted(addresses)
        if is_denied(one, denied)
    ]
    try:
        peers = {link.raddr.ip for link in psutil.net_connections("inet") if link.raddr}
    except psutil.AccessDenied:
        peers = {link.raddr.ip for link in psutil.Process().net_connections("inet") if link.raddr}
    problems += [f"une connexion est ouverte vers {one}" for one in sorted(peers) if is_denied(one, denied)]
    return judge(problems, "Aucune adresse ni connexion vers un réseau interdit.")


def check_traceability(plan: CampaignPlan) -> Answer:
    """PRE-10: the run names its ticket and who runs it."""
    problems = []
    if not TICKET_PATTERN.fullmatch(plan.ticket):
        problems.append("référence de ticket absente ou mal formée")
    if not plan.operator:
        problems.append("opérateur inconnu")
    return judge(problems, f"Ticket {plan.ticket}, opérateur {plan.operator}.")
