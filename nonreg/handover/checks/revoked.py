"""« acces_revoques »: after the hand-back every host, database and light client refuses the person's key and passwords.

Only a refused authentication proves it: a server that says nothing, an absent key or secret, an account that is locked
for a while prove nothing. To be asked with the platform file, keys and secrets that opened everything before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nonreg.clients.odbc_errors import PASSING_REFUSALS
from nonreg.clients.sql import choose_dialect, open_session
from nonreg.clients.ssh import open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Database, Host, Platform, Site
from nonreg.errors import AccessDenied, ConfigError, HostKeyMismatch, NonregError
from nonreg.grants.effective import name_user
from nonreg.grants.manifest import Account
from nonreg.handover.checks.named_accounts import find_holders
from nonreg.handover.checks.result import (
    CheckContext,
    CheckResult,
    NotRight,
    Point,
    ask_point,
    give_result,
    list_hosts,
)
from nonreg.handover.checks.rights import OF
from nonreg.people import simplify_account
from nonreg.probes.client_page import sign_in
from nonreg.wording import plural

UNPROVED = "Rien n'est prouvé"
SILENCE = "Rétablissez d'abord la liaison (VPN, service, pare-feu) : un silence ne prouve pas un refus."
PAGE_REFUSALS, SERVER_TROUBLE = (401, 403), 500


def check_revoked(context: CheckContext) -> CheckResult:
    """Every host, database and light client of the platform file, with the accounts of its subject."""
    platform = context.platform
    tries: list[tuple[str, str, Callable[[], str]]] = [
        (f"SSH vers {host.name}", host.user, partial(require_ssh_refused, platform, host))
        for host in list_hosts(platform)
    ]
    for site in platform.sites:
        if site.database is not None:
            tries += [
                (
                    f"Base de {site.code}, {OF[account]}",
                    name_user(site.database, account),
                    partial(require_login_refused, platform, site, account),
                )
                for account in Account
            ]
        if site.web.client and site.web.client_user:
            title = f"Client léger de {site.code}"
            tries.append((title, site.web.client_user, partial(require_page_refused, platform, site)))
    points = [
        ask_point(f"{title} : accès retiré", partial(ask_own, context, account, ask), explain)
        for title, account, ask in tries
    ]
    return give_result(context, [judge_tried(context, [account for _, account, _ in tries]), *points])


def judge_tried(context: CheckContext, tried: list[str]) -> Point:
    """Whether every account that the person declares is among those that are tried. Pure."""
    title, person = "Tous les comptes déclarés sont essayés", context.people.find(context.subject)
    if person is None or not person.accounts:
        return Point(
            title,
            False,
            f"« {context.subject} » ne déclare aucun compte.",
            "Complétez « accounts » dans le fichier des personnes : sans lui on ne sait pas ce qu'il faut retirer.",
        )
    left = {simplify_account(account) for account in person.accounts} - {
        simplify_account(account) for account in tried
    }
    if left:
        return Point(
            title,
            False,
            f"{plural(len(left), 'compte déclaré', 'comptes déclarés')} hors de ce fichier de plateforme.",
            "Recommencez avec le fichier de plateforme de la personne, ou faites retirer ces comptes puis ôtez-les de "
            "sa liste « accounts ».",
        )
    return Point(title, True, f"{plural(len(person.accounts), 'compte', 'comptes')}, tous dans ce contrôle.")


def ask_own(context: CheckContext, account: str, ask: Callable[[], str]) -> str:
    """What `ask` finds of an account that is the person's; NotRight for another's, whose refusal proves nothing."""
    if context.subject not in find_holders(account, context.people):
        raise NotRight(
            f"{UNPROVED} : ce compte n'est pas déclaré par « {context.subject} ».",
            "Recommencez avec le fichier de plateforme de la personne, ou complétez sa liste « accounts ».",
        )
    return ask()


def require_ssh_refused(platform: Platform, host: Host) -> str:
    """That the key is refused; NotRight when it opens, or when nobody refused anything."""

    def enter() -> None:
        with open_shell(platform, host):
            pass

    require_refused(
        enter,
        f"Faites retirer la clé des clés autorisées et fermer le compte sur {host.name}, puis recommencez.",
    )
    return "L'hôte a refusé la clé : l'accès est retiré."


def require_login_refused(platform: Platform, site: Site, account: Account) -> str:
    """That the login is refused for good."""

    def enter() -> None:
        with open_session(platform, site, account):
            pass

    assert site.database is not None
    refusal = require_refused(
        enter, f"Faites supprimer ou désactiver le compte sur la base de {site.code}, puis recommencez."
    )
    require_lasting(refusal, site.database)
    return "La base a refusé le compte : l'accès est retiré."


def require_page_refused(platform: Platform, site: Site) -> str:
    """That the light client refuses the name and password."""
    assert site.web.client is not None
    password = platform.secret(site.web.client_password_env)
    with WebSession(site.web.client, site.web.timeout_seconds) as web:
        status = sign_in(web, site.web.client_user or "", password).status
    if status in PAGE_REFUSALS:
        return "Le client léger a refusé le compte : l'accès est retiré."
    if status >= SERVER_TROUBLE:
        raise NotRight(f"{UNPROVED} : le client léger répond par une erreur ({status}).", SILENCE)
    raise NotRight(
        f"Le client léger n'a pas refusé le compte (code {status}).",
        f"Faites supprimer le compte du client léger de {site.code}, puis recommencez.",
    )


def require_refused(enter: Callable[[], None], remedy: str) -> AccessDenied:
    """The refusal; NotRight when one may enter, or cannot know."""
    try:
        enter()
    except AccessDenied as error:
        return error
    except NonregError as error:
        raise NotRight(f"{UNPROVED} : {error}", explain(error)) from error
    raise NotRight("L'accès est encore ouvert.", remedy)


def require_lasting(refusal: AccessDenied, database: Database) -> None:
    """NotRight for a refusal that passes: an account locked for a while, a password that its holder may renew."""
    cause = refusal.__cause__
    code = choose_dialect(database).read_state(cause) if cause is not None else ""
    if code in PASSING_REFUSALS:
        raise NotRight(
            f"{UNPROVED} : le compte est verrouillé ou son mot de passe est expiré, ce qui peut passer ({code}).",
            "Faites supprimer ou désactiver le compte, puis recommencez.",
        )


def explain(error: NonregError) -> str:
    """How to get a proof."""
    if isinstance(error, ConfigError):
        return (
            "Recommencez avec la clé et les secrets qui ouvraient l'accès avant la restitution : seul leur refus "
            "prouve quelque chose."
        )
    if isinstance(error, HostKeyMismatch):
        return "Faites confirmer la clé de cet hôte : c'est peut-être une autre machine qui répond."
    return SILENCE
