"""What a triage does not know it says; what many failures share is worked out and told once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from nonreg import environment as env
from nonreg.captured import Captured, make_signature, parse_log
from nonreg.model import (
    Baseline,
    BaselineResult,
    Basis,
    CampaignRun,
    Cause,
    Criticality,
    Difference,
    Fact,
    LastGood,
    Outcome,
    Triage,
    Verdict,
)
from nonreg.triage import DETAILED, SHOWN_SENTENCES, build_triage, render_triage_markdown, render_triage_pages
from tests.run_samples import AT, make_result, make_run
from tests.test_triage import ECART, GOOD_FACTS, change, good_run, judge

UNKNOWN_THEN = "Environnement du dernier bon passage inconnu"
GONE = dataclasses.replace(good_run("APP-001"), dataset="", tool_commit="", facts=())


def promoted(outcome: Outcome = Outcome.OK, facts: tuple[Fact, ...] = GOOD_FACTS) -> Baseline:
    result = BaselineResult("APP-001", "Titre", Criticality.MAJEURE, outcome, 1.0)
    return Baseline(
        number=3,
        platform="essai",
        application_version="5.2.0",
        run_id="promu",
        run_started_at=AT - timedelta(days=9),
        verdict=Verdict.OK,
        dataset="jeu",
        catalog="",
        files=(),
        limits=(),
        results=(result,),
        facts=facts,
    )


def triage(basis: Basis, facts: tuple[Fact, ...] = GOOD_FACTS, captured: Captured | None = None) -> Triage:
    run = make_run(ECART, facts=facts)
    (found,) = build_triage(run, basis, judge(run), captured or Captured())
    return found


def say(found: Triage) -> str:
    return render_triage_markdown(found, make_run(ECART))


@pytest.mark.parametrize("baseline", [None, promoted(Outcome.KO), promoted(facts=())])
def test_when_the_last_good_environment_is_gone_nothing_is_said_to_be_unchanged(
    baseline: Baseline | None,
) -> None:
    found = triage(Basis(baseline=baseline, last_good=(GONE,)))
    assert found.last_good_run == "bon"
    assert found.missing == (f"{UNKNOWN_THEN} : il n'a pas pu être comparé.",)
    assert found.why == (
        "Présumée : ce qui a changé depuis le dernier passage bon est inconnu, rien n'a pu être comparé.",
    )
    text = say(found)
    assert UNKNOWN_THEN in text
    assert "n'a changé" not in text
    assert "Aucune différence relevée, dans les limites dites plus bas." in text


def test_the_promoted_environment_is_compared_instead_and_the_pack_says_so() -> None:
    basis = Basis(baseline=promoted(), last_good=(GONE,))
    found = triage(basis, change(env.MODULES, "bbbb"))
    assert found.last_good_run == "bon"
    assert found.differences == (Difference("SITE-A", env.MODULES, "aaaa", "bbbb"),)
    assert found.missing == (
        f"{UNKNOWN_THEN} : comparaison avec celui de la référence promue n° 3 (passage promu), "
        "où ce scénario était bon.",
    )
    assert "rien d'autre" in triage(basis).why[0]


def test_a_run_whose_environment_was_not_read_says_so() -> None:
    found = triage(Basis(last_good=(good_run("APP-001"),)), facts=())
    (said,) = found.missing
    assert said.startswith("Environnement de ce passage inconnu")
    assert "rien d'autre" not in found.why[0]


def test_without_a_comparison_the_bench_is_not_cleared_by_silence_either() -> None:
    run = make_run(ECART, facts=GOOD_FACTS)
    run = dataclasses.replace(run, plan=dataclasses.replace(run.plan, tool_commit="def456"))
    for last_good, claimed in (
        (good_run("APP-001"), True),
        (dataclasses.replace(GONE, tool_commit="abc"), False),
    ):
        (found,) = build_triage(run, Basis(last_good=(last_good,)), judge(run), Captured())
        assert found.cause is Cause.BANC_DE_TEST
        assert any("n'a changé" in one for one in found.why) is claimed


def test_the_delivered_reference_helps_when_the_last_good_environment_is_gone() -> None:
    drifted = Captured(configuration=(("srv-a", "client.json", "modifié"),))
    found = triage(Basis(last_good=(GONE,)), captured=drifted)
    assert found.why == ("Différent de la référence : srv-a/client.json (modifié).",)


def test_what_could_not_be_read_then_is_counted_by_site() -> None:
    then = (*change(env.MODULES, "n.d. (muet)"), Fact("SITE-A", env.ROLE, "n.d. (muet)"))
    basis = Basis(last_good=(dataclasses.replace(good_run("APP-001"), facts=then),))
    now = (*GOOD_FACTS, Fact("SITE-A", env.ROLE, "ACTIF"))
    assert triage(basis, now).missing == (
        "Illisible au dernier bon passage, donc non comparé : SITE-A (2 éléments).",
    )


def test_what_the_capture_could_not_read_and_what_is_not_as_delivered_are_in_the_pack() -> None:
    captured = Captured(
        modules_diff="--- référence x\n+++ SITE-A prod.x (modifié)\n-a\n+b\n",
        configuration=(("srv-a", "client.json", "modifié"),),
        missing=("srv-b : L'hôte srv-b est injoignable en SSH.",),
    )
    found = triage(Basis(), change(env.SERVICE_VERSION + "client", "5.1.9"), captured)
    assert found.missing == captured.missing
    assert found.drift == (
        "SITE-A prod.x (modifié)",
        "srv-a/client.json (modifié)",
        "SITE-A, Version du service client : 5.1.9, 5.2.0 attendue",
    )
    text = say(found)
    assert "## Ce qui diffère de la référence livrée" in text
    assert "- srv-a/client.json (modifié)" in text
    assert "## Limites de ce diagnostic" in text
    assert "- srv-b : L'hôte srv-b est injoignable en SSH." in text


def test_of_very_many_sentences_the_first_are_kept_and_the_others_counted() -> None:
    rows = tuple(("srv-a", f"{number}.json", "modifié") for number in range(SHOWN_SENTENCES + 2))
    found = triage(Basis(), captured=Captured(configuration=rows))
    assert len(found.drift) == SHOWN_SENTENCES + 1
    assert found.drift[-1] == "… et 2 autres, voir le dossier du passage."


LINE = "2026-11-23T01:31:01.000Z ERREUR division par zéro\n"


def many_failures(count: int) -> tuple[CampaignRun, Basis, Captured]:
    """As many failures half a second apart, the last of them blocking, on a platform that changed."""
    results = tuple(
        dataclasses.replace(
            make_result(f"APP-{number:04}", message=f"Attendu : {number}."),
            started_at=AT + timedelta(minutes=1, seconds=number / 2),
        )
        for number in range(count)
    )
    run = make_run(*results, facts=change(env.MODULES, "bbbb"))
    scenarios = run.plan.scenarios
    last = dataclasses.replace(scenarios[-1], criticality=Criticality.BLOQUANTE)
    run = dataclasses.replace(run, plan=dataclasses.replace(run.plan, scenarios=(*scenarios[:-1], last)))
    lines = parse_log(LINE)
    captured = Captured(
        logs=(("srv-a/client.log", lines),),
        new_signatures=frozenset({("srv-a/client.log", lines[0].signature)}),
        modules_diff="+++ SITE-A prod.x\n+b\n",
        missing=("srv-b : muet.",),
    )
    return run, Basis(last_good=(good_run(*(one.id for one in run.plan.scenarios)),)), captured


def test_of_many_failures_only_the_worst_repeat_logs_and_code_and_the_others_name_one_of_them() -> None:
    run, basis, captured = many_failures(DETAILED + 20)
    found = build_triage(run, basis, judge(run), captured)
    detailed = [one.scenario_id for one in found if one.diff]
    assert len(detailed) == DETAILED
    assert found[-1].scenario_id in detailed
    assert found[0].logs
    assert found[0].missing == ("srv-b : muet.",)
    others = [one for one in found if not one.diff]
    assert len(others) == 20
    for one in others:
        assert (one.logs, one.drift) == ((), ())
        assert one.cause is Cause.APPLICATION
        # Detailed are the first ones, up to 48, and the blocking one, 69: half way lies between 58 and 59.
        nearest = "APP-0069" if one.scenario_id >= "APP-0059" else "APP-0048"
        assert one.missing[-1].endswith(f"voir la fiche de {nearest}.")


def test_up_to_the_limit_every_failure_has_its_own_details() -> None:
    run, basis, captured = many_failures(DETAILED)
    assert all(one.diff for one in build_triage(run, basis, judge(run), captured))


@pytest.mark.parametrize("started", [True, False])
def test_a_failure_that_never_began_names_a_detailed_one_too(started: bool) -> None:
    run, basis, captured = many_failures(DETAILED + 1)
    results = tuple(
        dataclasses.replace(one, started_at=one.started_at if started and number else None)
        for number, one in enumerate(run.results)
    )
    run = dataclasses.replace(run, results=results)
    found = build_triage(run, basis, judge(run), captured)
    (pointing,) = (one for one in found if not one.diff)
    named = pointing.missing[-1].split("fiche de ")[1].rstrip(".")
    assert named in {one.scenario_id for one in found if one.diff}


def test_what_failures_share_is_worked_out_once_however_many_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def count_calls(failures: int) -> tuple[int, int]:
        run, basis, captured = many_failures(failures)
        calls = {"signature": 0, "facts": 0}

        def signature(entry: object) -> str:
            calls["signature"] += 1
            return make_signature(entry)  # type: ignore[arg-type]

        def compare(*_: object) -> tuple[Difference, ...]:
            calls["facts"] += 1
            return ()

        with monkeypatch.context() as patched:
            patched.setattr("nonreg.captured.make_signature", signature)
            patched.setattr("nonreg.differences.compare_facts", compare)
            build_triage(run, basis, judge(run), captured)
        return calls["signature"], calls["facts"]

    few, many = count_calls(2), count_calls(200)
    assert few == many
    assert many[1] == 1


def test_the_packs_of_a_run_are_those_of_each_failure_alone() -> None:
    run, basis, captured = many_failures(3)
    found = build_triage(run, basis, judge(run), captured)
    assert dict(render_triage_pages(found, run)) == {
        one.scenario_id: render_triage_markdown(one, run) for one in found
    }


def test_the_last_good_campaigns_of_different_scenarios_stay_apart() -> None:
    first = good_run("APP-001", run_id="un")
    second: LastGood = dataclasses.replace(
        good_run("APP-002", run_id="deux"), facts=change(env.PYTHON, "3.10", env.BENCH)
    )
    run = make_run(ECART, make_result("APP-002"), facts=GOOD_FACTS)
    found = build_triage(run, Basis(last_good=(first, second)), judge(run), Captured())
    assert [(one.last_good_run, len(one.differences)) for one in found] == [("un", 0), ("deux", 1)]
