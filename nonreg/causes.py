"""The presumed class of the cause of a failure, by ordered rules; the first that holds decides.

     1  banc de test     the check itself broke, or proved no cleanup
     2  environnement    a guard refused, nothing was executed
     3  banc de test     the campaign was interrupted, or the scenario did not run
     4  application      the platform answered with an error, or a service is dead, and the application changed or died
     5  environnement    the platform did not let itself be observed
     6  environnement    an HD scenario, and the replication or its services changed, stopped or cannot be read
     7  application      code, configuration or version changed, a service died, new error lines
     8  environnement    server, system, roles, disk, clock changed, a service was stopped, the machine was slow
     9  banc de test     the tool, an agreed limit or the data set changed
    10  banc de test     three scenarios or more, of all planned families, failed the same way
    11  application      presumed: nothing that was read changed, or nobody can say what did

The reasons are French sentences, the deciding ones first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nonreg import environment as env
from nonreg.differences import describe_difference
from nonreg.model import Cause, Difference, Failure, Family
from nonreg.wording import decimal, plural

SLOW_MACHINE = 1.5
SHOWN_REASONS, SHOWN_SCENARIOS = 5, 10
# Our own sentences for "it answered, but with an error".
ANSWERED = re.compile(r"rejette la requête|réponse \d|: code \d|illisible|refuse ce droit")


@dataclass(frozen=True, slots=True)
class Symptoms:
    """All that the rules look at; sentences are French, without final point.

    `refused`: guards; `drift`: what differs from the delivered reference; `new_errors`: error lines around the failure;
    `died`, `stopped`: services; `troubles`: what does not run or cannot be read of the replication; `compared`: the
    environments of both campaigns are known;
    `same_way`: other scenarios that failed alike in all families; `limit_changes`: agreed limits that moved.
    """

    failure: Failure | None
    message: str
    family: Family
    executed: bool = True
    refused: tuple[str, ...] = ()
    interrupted: bool = False
    has_last_good: bool = False
    compared: bool = False
    differences: tuple[Difference, ...] = ()
    drift: tuple[str, ...] = ()
    new_errors: tuple[str, ...] = ()
    died: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    limit_changes: tuple[str, ...] = ()
    same_way: tuple[str, ...] = ()
    machine_factor: float = 1.0


def presume_cause(found: Symptoms) -> tuple[Cause, tuple[str, ...]]:
    """The class and its reasons."""
    application, environment, bench = list_application(found), list_environment(found), list_bench(found)
    replication = list_replication(found)
    said = f"Constat : {found.message}" if found.message else "Aucun message enregistré."
    if found.failure is Failure.CONTROLE:
        return _decide(Cause.BANC_DE_TEST, ["Le contrôle lui-même a échoué.", said], bench)
    if found.refused:
        return _decide(Cause.ENVIRONNEMENT, [f"Garde non levée : {one}" for one in found.refused], [said])
    if found.interrupted and found.failure in (Failure.DELAI, None):
        return _decide(Cause.BANC_DE_TEST, ["La campagne a été interrompue.", said], bench)
    if not found.executed:
        return _decide(Cause.BANC_DE_TEST, ["Le scénario n'a pas été exécuté.", said], bench)
    if found.failure is Failure.PLATEFORME:
        if application and (found.died or ANSWERED.search(found.message)):
            return _decide(Cause.APPLICATION, application, [said, *environment])
        reasons = ["La plateforme ne s'est pas laissé observer.", said, *environment]
        return _decide(Cause.ENVIRONNEMENT, reasons, application)
    if found.family is Family.HD and replication:
        return _decide(Cause.ENVIRONNEMENT, [*replication, *environment], application)
    if application:
        return _decide(Cause.APPLICATION, application, environment)
    if environment:
        return _decide(Cause.ENVIRONNEMENT, environment, bench)
    if bench:
        quiet = ["Rien de ce qui est relevé n'a changé dans l'application."] if found.compared else []
        return _decide(Cause.BANC_DE_TEST, [*bench, *quiet], [])
    if found.same_way:
        names = ", ".join(found.same_way[:SHOWN_SCENARIOS])
        more = len(found.same_way) - SHOWN_SCENARIOS
        others = f" et {plural(more, 'autre', 'autres')}" if more > 0 else ""
        return _decide(Cause.BANC_DE_TEST, [f"Même échec dans toutes les familles : {names}{others}."], [])
    return _decide(Cause.APPLICATION, [_say_presumed(found)], [])


def _say_presumed(found: Symptoms) -> str:
    """Why the application is presumed when nothing points anywhere; silence is only claimed where it was looked for."""
    if not found.has_last_good:
        return "Présumée : aucun passage bon connu avec lequel comparer."
    if not found.compared:
        return (
            "Présumée : ce qui a changé depuis le dernier passage bon est inconnu, rien n'a pu être comparé."
        )
    return "Présumée : rien d'autre de ce qui est relevé n'a changé depuis le dernier passage bon."


def _decide(cause: Cause, first: list[str], others: list[str]) -> tuple[Cause, tuple[str, ...]]:
    """The deciding reasons, then the others, without repetition."""
    reasons = list(dict.fromkeys((*first, *others)))
    more = len(reasons) - SHOWN_REASONS
    if more > 0:
        reasons = [*reasons[:SHOWN_REASONS], f"… et {plural(more, 'autre constat', 'autres constats')}."]
    return cause, tuple(reasons)


def list_application(found: Symptoms) -> list[str]:
    """What changed or broke in the application."""
    changed = _changed(found, Cause.APPLICATION)
    # Without a good campaign to compare with, the delivered reference says what changed.
    drift = [f"Différent de la référence : {one}." for one in found.drift]
    died = [f"Service mort : {one}." for one in found.died if found.family is not Family.BASE]
    errors = [f"Erreur nouvelle : {one}" for one in found.new_errors]
    return [*changed, *(drift if changed or not found.compared else []), *died, *errors]


def list_environment(found: Symptoms) -> list[str]:
    """What changed or stopped below the application."""
    stopped = [f"Service arrêté : {one}." for one in found.stopped if found.family is not Family.BASE]
    changed = [
        describe_difference(one) + "."
        for one in found.differences
        if _is_environment(one) and (found.family is Family.HD or one.name not in env.HD_ONLY)
    ]
    slow = (
        [f"La machine était {decimal(found.machine_factor)} fois plus lente que d'habitude."]
        if found.machine_factor >= SLOW_MACHINE
        else []
    )
    return [*stopped, *changed, *slow]


def list_replication(found: Symptoms) -> list[str]:
    """What is wrong or new in the replication and what carries it."""
    changed = [describe_difference(one) + "." for one in found.differences if one.name in env.REPLICATION]
    stopped = [f"Service arrêté : {one}." for one in found.stopped]
    return [*(f"{one}." for one in found.troubles), *stopped, *changed]


def list_bench(found: Symptoms) -> list[str]:
    """What changed in what tests the application."""
    limits = [f"Limite convenue modifiée : {one}." for one in found.limit_changes]
    return [*_changed(found, Cause.BANC_DE_TEST), *limits]


def _changed(found: Symptoms, owner: Cause) -> list[str]:
    return [
        describe_difference(one) + "."
        for one in found.differences
        if env.owner_of(one.subject, one.name) is owner and not env.is_unknown(one.after)
    ]


def _is_environment(difference: Difference) -> bool:
    """What runs below, and whatever could be read before and no longer can; services are told apart."""
    if difference.name == env.STOPPED_SERVICES and not env.is_unknown(difference.after):
        return False
    owner = env.owner_of(difference.subject, difference.name)
    return owner is Cause.ENVIRONNEMENT or env.is_unknown(difference.after)
