"""« comptes_nommes »: the accounts that reach the platform belong to one person, who is under contract (R22)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nonreg.config import Platform
from nonreg.handover.checks.result import CheckContext, CheckResult, Point, give_result, list_hosts
from nonreg.people import People, Person, explain_contract, simplify_account
from nonreg.working_time import PARIS

# Accounts that come with a system, or that many people know: the name says that they are nobody's.
SHARED = frozenset(
    {
        *(
            "sa",
            "root",
            "administrator",
            "administrateur",
            "admin",
            "dba",
            "system",
            "guest",
            "invite",
            "invité",
        ),
        *(
            "postgres",
            "mysql",
            "oracle",
            "sysadmin",
            "superuser",
            "su",
            "service",
            "anonymous",
            "everyone",
            "tous",
        ),
        *(
            "test",
            "essai",
            "demo",
            "user",
            "utilisateur",
            "operateur",
            "opérateur",
            "exploitation",
            "support",
        ),
        *(
            "renfort",
            "titulaire",
            "prestataire",
            "stagiaire",
            "commun",
            "generique",
            "générique",
            "partage",
            "partagé",
        ),
        *("ubuntu", "debian", "vagrant", "nobody", "localsystem", "networkservice", "localservice", "public"),
    }
)


@dataclass(frozen=True, slots=True)
class Use:
    """An account of the platform file; `where` names it in a title, `key` in the file."""

    account: str
    where: str
    key: str


def list_uses(platform: Platform) -> Iterator[Use]:
    """Each account by which the platform file reaches a host, a database or a web client."""
    for host in list_hosts(platform):
        yield Use(host.user, f"compte SSH de {host.name}", "user")
    for site in platform.sites:
        if site.database is not None:
            yield Use(
                site.database.reader_user, f"compte de lecture de la base de {site.code}", "reader_user"
            )
            yield Use(
                site.database.writer_user, f"compte d'écriture de la base de {site.code}", "writer_user"
            )
        if site.web.client_user is not None:
            yield Use(site.web.client_user, f"compte du client léger de {site.code}", "client_user")


def find_holders(account: str, people: People) -> tuple[str, ...]:
    """Ids of those who declare the account, with or without its domain."""
    return tuple(
        person.id
        for person in people.persons
        if simplify_account(account) in {simplify_account(declared) for declared in person.accounts}
    )


def judge_account(use: Use, holders: tuple[str, ...], subject: str) -> Point:
    """Whether one account is the subject's own. Pure."""
    title = use.where[0].upper() + use.where[1:]
    change = f"Faites créer un compte nominatif pour « {subject} », écrivez-le dans la clé {use.key} de son fichier de "
    change += "plateforme et dans sa liste « accounts » du fichier des personnes."
    if simplify_account(use.account) in SHARED or not use.account.strip():
        return Point(title, False, "C'est un compte partagé bien connu, pas un compte nominatif.", change)
    if subject not in holders:
        whose = f"déclaré par « {', '.join(holders)} »" if holders else "que personne ne déclare"
        return Point(title, False, f"C'est un compte {whose}, pas par « {subject} ».", change)
    if len(holders) > 1:
        return Point(title, False, f"Ce compte est commun à {', '.join(holders)}.", change)
    return Point(title, True, f"Compte nominatif de « {subject} ».")


def judge_contract(person: Person, context: CheckContext) -> Point:
    """Whether the person may have an access at all on that day (R18, R64). Pure."""
    title, day = "Contrat et habilitation en cours", context.at.astimezone(PARIS).date()
    if not person.is_valid(context.at):
        return Point(
            title,
            False,
            f"L'habilitation de « {person.id} » ne vaut pas à cette date.",
            "Faites réviser valid_from et valid_until dans le fichier des personnes, ou retirez les accès.",
        )
    if person.contract_until is None:
        return Point(
            title,
            False,
            f"La fin du contrat de « {person.id} » n'est écrite nulle part.",
            "Écrivez contract_until dans le fichier des personnes, après avoir vu le contrat.",
        )
    if ended := explain_contract(person, day):
        return Point(
            title,
            False,
            ended,
            "Faites prolonger le contrat et réviser contract_until, ou retirez les accès.",
        )
    return Point(title, True, f"Contrat de « {person.id} » jusqu'au {person.contract_until:%d/%m/%Y}.")


def check_named_accounts(context: CheckContext) -> CheckResult:
    """Every account of the platform file, and the contract of who has it."""
    person = context.people.find(context.subject)
    if person is None:
        unknown = Point(
            "Personne connue",
            False,
            f"« {context.subject} » n'est pas dans le fichier des personnes.",
            "Faites ajouter la personne au fichier des personnes de la plateforme, avec ses clés et ses comptes.",
        )
        return give_result(context, [unknown])
    points = [
        judge_account(use, find_holders(use.account, context.people), context.subject)
        for use in list_uses(context.platform)
    ]
    return give_result(context, [judge_contract(person, context), *points])
