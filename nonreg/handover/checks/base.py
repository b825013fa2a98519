"""« base »: each database answers to both accounts, and is the one of this platform (its marker)."""

from __future__ import annotations

from functools import partial

from nonreg.clients.sql import open_session
from nonreg.config import Platform, Site
from nonreg.errors import AccessDenied, CertificateRefused, ConfigError, NonregError, Unreachable
from nonreg.grants.manifest import Account
from nonreg.guards import find_wrong_marker
from nonreg.handover.checks.result import CheckContext, CheckResult, NotRight, ask_point, give_result
from nonreg.handover.checks.rights import OF


def check_base(context: CheckContext) -> CheckResult:
    """Both accounts on every database."""
    points = [
        ask_point(
            f"Base de {site.code} : {OF[account]}",
            partial(try_account, context.platform, site, account),
            partial(explain, site, account),
        )
        for site in context.platform.sites
        if site.database is not None
        for account in Account
    ]
    return give_result(context, points)


def try_account(platform: Platform, site: Site, account: Account) -> str:
    """What the database says; the writer may not read the marker, and connects where the reader did."""
    if account is Account.WRITER:
        with open_session(platform, site, account) as session:
            role = session.query("site_role").scalar()
        return f"La base répond : {site.code} est {role}."
    problems = find_wrong_marker(platform, site)
    if problems:
        raise NotRight(
            f"Ce n'est pas la base attendue : {' ; '.join(problems)}.",
            "N'y faites rien : corrigez host, port et name de [sites.database] dans le fichier de plateforme, avec le "
            "titulaire.",
        )
    return "La base répond, et son marqueur est celui de cette plateforme."


def explain(site: Site, account: Account, error: NonregError) -> str:
    """How to fix it."""
    assert site.database is not None
    database = site.database
    variable = database.reader_password_env if account is Account.READER else database.writer_password_env
    if isinstance(error, AccessDenied):
        return (
            f"Vérifiez le compte et la valeur de {variable} ; si le compte est verrouillé, expiré ou sans droit, "
            "faites-le rouvrir par l'administrateur de la base."
        )
    if isinstance(error, CertificateRefused):
        return "Faites importer sur ce poste l'autorité de certification du serveur ; ne désactivez pas le contrôle."
    if isinstance(error, ConfigError):
        return "Définissez le secret, installez le pilote ou corrigez le fichier que nomme ce message."
    if isinstance(error, Unreachable):
        return f"Vérifiez le VPN, puis le service de base de données de {site.code} et le pare-feu."
    return (
        "Vérifiez le nom de la base et que le compte y est un utilisateur, avec l'administrateur de la base."
    )
