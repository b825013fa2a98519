"""A delivery is ready only with its run, procedures, hashes, ticket and documentation: what is missing is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from nonreg.documents.gate import judge_delivery, list_missing
from nonreg.model import Verdict
from nonreg.model.documents import (
    DeliveredFile,
    DeliveryFacts,
    DeliveryNote,
    GoNoGo,
    ProcedureFact,
    RunFact,
    TicketFact,
)
from nonreg.model.tracker import TicketState
from tests.documents.sites import RUN, delivery

GOOD = DeliveryFacts(
    RunFact(RUN, "", "embarquee", "5.2.0", Verdict.OK),
    ProcedureFact("installation", "Installation", "1.0", "0" * 64),
    ProcedureFact("deploiement", "Déploiement", "1.0", "1" * 64),
    ProcedureFact("retour-arriere", "Retour arrière", "1.0", "2" * 64),
    (DeliveredFile("a.sql", "3" * 64, 10),),
    "",
    (TicketFact("AQ-12", "Débit", TicketState.OPEN),),
)


def missing(facts: DeliveryFacts = GOOD, note: DeliveryNote | None = None) -> tuple[str, ...]:
    return list_missing(judge_delivery(note or delivery(), facts))


def test_a_delivery_that_somebody_said_no_to_is_not_ready() -> None:
    found = missing(note=delivery(decision=GoNoGo("no-go", "moa-scv-essai", date(2026, 11, 27))))
    assert found == ("Go / No-Go : la réponse est NO-GO.",)


def test_an_answer_that_is_awaited_holds_nothing_up_and_is_no_yes() -> None:
    waiting, answered = (
        judge_delivery(delivery(decision=decision), GOOD)[-1]
        for decision in (GoNoGo(), GoNoGo("go", "moa-scv-essai", date(2026, 11, 27)))
    )
    assert (waiting.awaited, waiting.missing) == (True, "")
    assert (answered.awaited, answered.found) == (False, "GO")


def test_a_delivery_with_everything_is_ready() -> None:
    assert missing() == ()
    assert missing(note=delivery(decision=GoNoGo("go avec réserves"))) == ()
    assert missing(replace(GOOD, run=replace(GOOD.run, verdict=Verdict.OK_AVEC_RESERVES))) == ()


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (RunFact(""), "aucun passage"),
        (replace(GOOD.run, problem="il ne se vérifie pas."), "ne se vérifie pas"),
        (replace(GOOD.run, version="5.1.0"), "pas de la version livrée"),
        (replace(GOOD.run, platform="autre"), "plateforme « autre »"),
        (replace(GOOD.run, verdict=Verdict.KO), "verdict"),
        (replace(GOOD.run, verdict=Verdict.INCOMPLET), "verdict"),
        (replace(GOOD.run, verdict=None), "verdict"),
        (replace(GOOD.run, partial="familles absentes : HD"), "partiel"),
    ],
)
def test_a_run_that_proves_nothing_of_the_delivered_version_makes_it_not_ready(
    run: RunFact, told: str
) -> None:
    found = missing(replace(GOOD, run=run))
    assert (len(found), told in found[0]) == (1, True), found


def test_a_version_that_nobody_has_written_is_not_that_of_a_run_without_one() -> None:
    facts = replace(GOOD, run=replace(GOOD.run, version=""))
    assert any("version livrée" in one for one in missing(facts, delivery(version="")))


@pytest.mark.parametrize("name", ["install", "deploy", "rollback"])
def test_a_procedure_that_is_not_up_to_date_makes_it_not_ready(name: str) -> None:
    bad = replace(getattr(GOOD, name), problem="Jamais relu.")
    found = missing(replace(GOOD, **{name: bad}))
    assert (len(found), "Jamais relu" in found[0]) == (1, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": ()},
        {"files_problem": "le dossier des fichiers livrés est absent."},
        {"tickets": ()},
        {"tickets": (TicketFact("AQ-12", problem="AQ-12 : inconnu."),)},
        {"tickets": (TicketFact("AQ-12", "Débit", TicketState.CLOSED),)},
    ],
)
def test_files_without_hash_and_tickets_that_are_unknown_or_closed_make_it_not_ready(
    changes: dict[str, object],
) -> None:
    assert len(missing(replace(GOOD, **changes))) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("documents", "reason", "is_ready"),
    [
        ((), "", False),
        ((" ",), " ", False),
        (("DEX, 2.1",), "rien", False),
        (("DEX, 2.1",), "", True),
        ((), "rien ne change", True),
    ],
)
def test_the_effect_on_the_documentation_is_told_one_way_or_the_other(
    documents: tuple[str, ...], reason: str, is_ready: bool
) -> None:
    found = missing(note=delivery(documents=documents, no_impact_because=reason))
    assert (found == ()) is is_ready


def test_each_condition_that_is_missing_has_its_own_reason() -> None:
    nothing = DeliveryFacts(
        RunFact(""),
        *(
            ProcedureFact(one, one, problem="absent.")
            for one in ("installation", "deploiement", "retour-arriere")
        ),
    )
    assert len(missing(nothing, delivery(documents=()))) == 7
