"""« droits »: the database accounts may do everything that campaigns need and nothing more, both ways (R23).

As guard PRE-08, for the scenarios of the project: what the accounts may do is compared with the manifest, and what
they must not do is tried; what would be accepted is undone at once.
"""

from __future__ import annotations

from functools import partial

from nonreg.config import Platform, Site
from nonreg.errors import AccessDenied, ConfigError, NonregError, Unreachable
from nonreg.grants.declared import read_declared
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, Manifest, load_manifest
from nonreg.grants.preflight import tell_shortly
from nonreg.guards import FORBIDDEN, is_accepted
from nonreg.handover.checks.result import (
    CheckContext,
    CheckResult,
    NotRight,
    Point,
    ask_point,
    give_result,
)
from nonreg.plan import SCENARIOS_DIR, collect_scenarios, list_declared

OF = {"reader": "compte de lecture", "writer": "compte d'écriture"}
DOES = {
    "forbidden_write": "écrire directement dans les tables",
    "forbidden_accounts": "lire les comptes de l'application",
}


def load_needed() -> Manifest:
    """What the scenarios of the project need; ConfigError or UsageError for one that is not sound."""
    declared = list_declared(collect_scenarios(SCENARIOS_DIR))
    return load_manifest().needed_for(declared).having(read_declared(SCENARIOS_DIR))


def compare(platform: Platform, site: Site, account: Account, manifest: Manifest) -> str:
    """What to say of rights that are right; NotRight for others."""
    judgement = check_account(platform, site, account, manifest)
    if not judgement.is_right:
        remedies = []
        if judgement.missing:
            remedies.append(
                "Faites donner ce qui manque : « python -m nonreg grants » en écrit le script pour l'administrateur."
            )
        if judgement.beyond:
            remedies.append(
                "Faites retirer ce qui est en trop : « python -m nonreg grants --check » le nomme en entier."
            )
        raise NotRight(f"{tell_shortly(judgement)}.", " ".join(remedies))
    unseen = "".join(f" Non vérifié : {one}" for one in judgement.unseen)
    return f"Conforme au manifeste dans les deux sens : rien ne manque, rien n'est en trop.{unseen}"


def try_forbidden(platform: Platform, site: Site, account: str, name: str) -> str:
    """What to say of a refusal; NotRight when it is accepted."""
    if is_accepted(platform, site, account, name):
        raise NotRight(
            "L'essai a été accepté, puis annulé.",
            f"Faites retirer au {OF[account]} de {site.code} le droit de {DOES[name]}.",
        )
    return "Essayé, et refusé par la base."


def explain(error: NonregError) -> str:
    """How to fix what kept the rights from being looked at."""
    if isinstance(error, ConfigError):
        return "Corrigez ce fichier ou définissez ce secret, puis recommencez."
    if isinstance(error, AccessDenied):
        return "Vérifiez d'abord l'accès à la base (contrôle « base ») : sans lui aucun droit ne se vérifie."
    if isinstance(error, Unreachable):
        return "Vérifiez d'abord le VPN et l'accès à la base (contrôle « acces »), puis recommencez."
    return "Rien n'est prouvé : faites examiner ce message par l'administrateur de la base, puis recommencez."


def check_rights(context: CheckContext) -> CheckResult:
    """Each account on each database."""
    platform = context.platform
    try:
        manifest = load_needed()
    except NonregError as error:
        return give_result(context, [Point("Droits nécessaires connus", False, str(error), explain(error))])
    points: list[Point] = []
    for site in (site for site in platform.sites if site.database is not None):
        points += [
            ask_point(
                f"{site.code} : droits du {OF[account]}",
                partial(compare, platform, site, account, manifest),
                explain,
            )
            for account in Account
        ]
        points += [
            ask_point(
                f"{site.code} : le {OF[name]} ne peut pas {DOES[query]}",
                partial(try_forbidden, platform, site, name, query),
                explain,
            )
            for name, query in FORBIDDEN
        ]
    return give_result(context, points)
