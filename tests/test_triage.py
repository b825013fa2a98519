"""Triage of recorded failures: what changed, which cause, the same answer whatever the order; no platform needed."""

from __future__ import annotations

import dataclasses
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import environment as env
from nonreg.captured import Captured, parse_log
from nonreg.model import (
    Assessment,
    Baseline,
    BaselineResult,
    Basis,
    CampaignRun,
    Cause,
    Change,
    Criticality,
    Difference,
    Fact,
    Failure,
    Finding,
    GuardResult,
    GuardStatus,
    LastGood,
    Limit,
    LimitChange,
    Outcome,
    ScenarioResult,
    Triage,
    Verdict,
)
from nonreg.store import INTERRUPTED
from nonreg.triage import build_triage, render_triage_markdown
from tests.run_samples import AT, make_result, make_run

GOOD_FACTS = (
    Fact(env.BENCH, env.PYTHON, "3.11.7"),
    Fact("SITE-A", env.SERVER_VERSION, "PostgreSQL 16.4"),
    Fact("SITE-A", env.DATASET, "jeu"),
    Fact("SITE-A", env.AGENTS, "émission sub_site_b : en marche"),
    Fact("SITE-A", env.MODULES, "aaaa"),
    Fact("SITE-A", env.SERVICE_VERSION + "client", "5.2.0"),
    Fact("SITE-A", env.STOPPED_SERVICES, env.NOTHING_STOPPED),
    Fact("SITE-A", env.CONFIGURATION + "client.json", "cccc"),
    Fact("SITE-A", env.FREE_DISK, "84 Go"),
    Fact("SITE-A", env.CLOCK_OFFSET, "0.0 s"),
    Fact("SITE-A", env.LOG_MARK, "2026-11-20"),
)


def change(name: str, value: str | None, subject: str = "SITE-A") -> tuple[Fact, ...]:
    """The good facts with one changed, or left out."""
    found = [fact for fact in GOOD_FACTS if (fact.subject, fact.name) != (subject, name)]
    return tuple(found if value is None else [*found, Fact(subject, name, value)])


def good_run(*scenario_ids: str, run_id: str = "bon", days: int = 1) -> LastGood:
    return LastGood(run_id, AT - timedelta(days=days), "5.2.0", "jeu", "abc123", GOOD_FACTS, scenario_ids)


def judge(run: CampaignRun, **changes: object) -> Assessment:
    """One finding per scenario, of its last attempt."""
    last = {result.scenario_id: result for result in run.results}
    findings = tuple(
        Finding(scenario.id, last[scenario.id].outcome, Change.NEW, note=last[scenario.id].message)
        for scenario in run.plan.scenarios
        if scenario.id in last
    )
    return dataclasses.replace(Assessment(Verdict.KO, (), findings), **changes)  # type: ignore[arg-type]


def triage(
    result: ScenarioResult,
    facts: tuple[Fact, ...] = GOOD_FACTS,
    captured: Captured = Captured(),  # noqa: B008 - frozen
    known: bool = True,
    **changes: object,
) -> Triage:
    """The triage of one result after a good run."""
    run = make_run(result, facts=facts)
    basis = Basis(last_good=(good_run(result.scenario_id),)) if known else Basis()
    (found,) = build_triage(run, basis, judge(run, **changes), captured)
    return found


def log_of(source: str, text: str, new: bool = True) -> Captured:
    lines = parse_log(text)
    signatures = frozenset((source, line.signature) for line in lines) if new else frozenset()
    return Captured(logs=((source, lines),), new_signatures=signatures)


ECART = make_result("APP-001")
HD = make_result("HD-003")
SILENT = make_result("APP-001", Outcome.INCONCLUSIF, "La base est injoignable.", Failure.PLATEFORME)
REJECTED = make_result("APP-001", Outcome.INCONCLUSIF, "La base rejette la requête.", Failure.PLATEFORME)
LATE = make_result("APP-001", Outcome.INCONCLUSIF, "Délai du scénario dépassé.", Failure.DELAI)
BROKEN = make_result("APP-001", Outcome.INCONCLUSIF, "Contrôle défaillant (KeyError).", Failure.CONTROLE)
APPLICATION, ENVIRONNEMENT, BANC = Cause.APPLICATION, Cause.ENVIRONNEMENT, Cause.BANC_DE_TEST
ERROR_LINE = "2026-11-23T01:31:01.000Z ERREUR division par zéro\n"
REFUSED_LINE = "2026-11-23T01:31:01.000Z ERREUR could not connect to the publisher\n"

CASES: list[tuple[str, ScenarioResult, dict[str, object], Cause, str]] = [
    ("rien n'a changé", ECART, {}, APPLICATION, "Présumée : rien d'autre"),
    ("aucun passage bon", ECART, {"known": False}, APPLICATION, "aucun passage bon connu"),
    ("code", ECART, {"facts": change(env.MODULES, "bbbb")}, APPLICATION, "« aaaa » devenu « bbbb »"),
    (
        "code et outil",
        ECART,
        {"facts": change(env.MODULES, "b"), "limit_changes": (LimitChange("page_seconds", 3, 1),)},
        APPLICATION,
        env.MODULES,
    ),
    ("configuration", ECART, {"facts": change(env.CONFIGURATION + "client.json", "d")}, APPLICATION, "d"),
    ("version", ECART, {"facts": change(env.SERVICE_VERSION + "client", "5.1.9")}, APPLICATION, "5.1.9"),
    ("service mort", ECART, {"facts": change(env.STOPPED_SERVICES, "echange (mort)")}, APPLICATION, "mort"),
    ("service muet", SILENT, {"facts": change(env.STOPPED_SERVICES, "client (mort)")}, APPLICATION, "mort"),
    ("arrêté", ECART, {"facts": change(env.STOPPED_SERVICES, "echange (arrêté)")}, ENVIRONNEMENT, "arrêté"),
    ("erreur nouvelle", ECART, {"captured": log_of("srv-a/client.log", ERROR_LINE)}, APPLICATION, "division"),
    (
        "erreur connue",
        ECART,
        {"captured": log_of("srv-a/client.log", ERROR_LINE, new=False)},
        APPLICATION,
        "Présumée",
    ),
    (
        "lien coupé, dans un journal",
        HD,
        {
            "facts": change(env.AGENTS, "émission sub_site_b : absent"),
            "captured": log_of("srv-b/postgresql.log", REFUSED_LINE),
        },
        ENVIRONNEMENT,
        "Agent de réplication",
    ),
    ("réplication, autre famille", ECART, {"facts": change(env.AGENTS, "x : absent")}, APPLICATION, "Présum"),
    ("injoignable", SILENT, {}, ENVIRONNEMENT, "pas laissé observer"),
    (
        "injoignable et code",
        SILENT,
        {"facts": change(env.MODULES, "b")},
        ENVIRONNEMENT,
        "pas laissé observer",
    ),
    ("rejetée et code", REJECTED, {"facts": change(env.MODULES, "b")}, APPLICATION, env.MODULES),
    ("rejetée seule", REJECTED, {}, ENVIRONNEMENT, "pas laissé observer"),
    ("serveur", ECART, {"facts": change(env.SERVER_VERSION, "PostgreSQL 17")}, ENVIRONNEMENT, "17"),
    (
        "écart à la référence d'avant le dernier passage bon",
        ECART,
        {
            "facts": change(env.SERVER_VERSION, "PostgreSQL 17"),
            "captured": Captured(configuration=(("srv-a", "client.json", "modifié"),)),
        },
        ENVIRONNEMENT,
        "17",
    ),
    (
        "écart à la référence sans passage bon",
        ECART,
        {"captured": Captured(configuration=(("srv-a", "client.json", "modifié"),)), "known": False},
        APPLICATION,
        "srv-a/client.json (modifié)",
    ),
    ("horloge", ECART, {"facts": change(env.CLOCK_OFFSET, "4.2 s")}, ENVIRONNEMENT, "4.2 s"),
    ("illisible", ECART, {"facts": change(env.MODULES, "n.d. (muet)")}, ENVIRONNEMENT, "n.d. (muet)"),
    ("lente", LATE, {"machine_factor": 2.0}, ENVIRONNEMENT, "2,0 fois plus lente"),
    ("contrôle cassé", BROKEN, {}, BANC, "contrôle lui-même"),
    ("contrôle cassé et code", BROKEN, {"facts": change(env.MODULES, "b")}, BANC, "contrôle lui-même"),
    ("jeu de données", ECART, {"facts": change(env.DATASET, "autre")}, BANC, "« jeu » devenu « autre »"),
    ("limite", ECART, {"limit_changes": (LimitChange("page_seconds", 3, 1),)}, BANC, "page_seconds"),
    ("Python", ECART, {"facts": change(env.PYTHON, "3.12", env.BENCH)}, BANC, "3.12"),
]


@pytest.mark.parametrize(
    ("result", "given_", "cause", "words"), [one[1:] for one in CASES], ids=[one[0] for one in CASES]
)
def test_each_rule_gives_its_cause_and_says_why_first(
    result: ScenarioResult, given_: dict[str, object], cause: Cause, words: str
) -> None:
    found = triage(result, **given_)  # type: ignore[arg-type]
    assert found.cause is cause, found.why
    assert words in found.why[0]


def test_another_commit_of_the_tool_with_the_same_application_is_the_bench() -> None:
    run = make_run(ECART, facts=GOOD_FACTS)
    run = dataclasses.replace(run, plan=dataclasses.replace(run.plan, tool_commit="def456"))
    (found,) = build_triage(run, Basis(last_good=(good_run("APP-001"),)), judge(run), Captured())
    assert found.cause is BANC
    assert found.differences == (Difference(env.BENCH, env.TOOL_COMMIT, "abc123", "def456"),)


def test_many_scenarios_of_all_families_that_fail_alike_are_the_bench() -> None:
    ids = ("BASE-001", "APP-001", "HD-001")
    results = tuple(make_result(one, message=f"Attendu : {n}.") for n, one in enumerate(ids))
    run = make_run(*results, facts=GOOD_FACTS)
    basis = Basis(last_good=(good_run(*ids),))
    assert {one.cause for one in build_triage(run, basis, judge(run), Captured())} == {BANC}
    other = (*results[:2], make_result("HD-001", message="Tout autre chose."))
    run = make_run(*other, facts=GOOD_FACTS)
    assert {one.cause for one in build_triage(run, basis, judge(run), Captured())} == {APPLICATION}


def test_a_single_family_that_fails_alike_proves_nothing_of_the_bench() -> None:
    ids = ("BASE-001", "BASE-002", "BASE-003")
    run = make_run(*(make_result(one) for one in ids), facts=GOOD_FACTS)
    basis = Basis(last_good=(good_run(*ids),))
    assert {one.cause for one in build_triage(run, basis, judge(run), Captured())} == {APPLICATION}


def test_a_scenario_taken_along_by_an_interruption_is_the_bench() -> None:
    result = make_result("BASE-001", Outcome.INCONCLUSIF, INTERRUPTED, Failure.DELAI)
    run = make_run(result, interruption="Campagne arrêtée à la demande.")
    (found,) = build_triage(run, Basis(), judge(run), Captured())
    assert (found.cause, found.why[0]) == (BANC, "La campagne a été interrompue.")


def test_a_refused_platform_is_the_environment() -> None:
    run = make_run(ECART)
    guard = GuardResult("PRE-07", "Espace disque", GuardStatus.REFUSED, "srv-a n'a que 3 Mo libres")
    run = dataclasses.replace(run, guards=(guard,), results=(), interruption="Rien n'a été exécuté.")
    finding = Finding(
        "APP-001", Outcome.NON_EXECUTE, Change.REGRESSION, Outcome.OK, "Planifié, sans résultat."
    )
    assessment = Assessment(Verdict.INCOMPLET, (), (finding,))
    (found,) = build_triage(run, Basis(), assessment, Captured())
    assert found.cause is ENVIRONNEMENT
    assert found.why[0] == "Garde non levée : PRE-07, srv-a n'a que 3 Mo libres"


@pytest.mark.parametrize(
    ("outcome", "what", "triaged"),
    [
        (Outcome.KO, Change.SAME, True),
        (Outcome.INCONCLUSIF, Change.NEW, True),
        (Outcome.DEROGATION, Change.KNOWN_FAILURE, True),
        (Outcome.NON_EXECUTE, Change.REGRESSION, True),
        (Outcome.NON_EXECUTE, Change.MISSING, False),
        (Outcome.OK, Change.FIXED, False),
        (Outcome.MESURE, Change.SAME, False),
    ],
)
def test_failures_and_regressions_are_triaged_and_nothing_else(
    outcome: Outcome, what: Change, triaged: bool
) -> None:
    run = make_run(make_result("BASE-001", outcome))
    assessment = Assessment(Verdict.KO, (), (Finding("BASE-001", outcome, what),))
    assert len(build_triage(run, Basis(), assessment, Captured())) == int(triaged)


def test_the_latest_good_run_of_that_scenario_is_compared() -> None:
    basis = Basis(
        last_good=(
            good_run("APP-001", run_id="ancien", days=3),
            good_run("APP-001", run_id="hier", days=1),
            good_run("APP-002", run_id="autre", days=0),
        )
    )
    run = make_run(ECART, facts=GOOD_FACTS)
    (found,) = build_triage(run, basis, judge(run), Captured())
    assert (found.last_good_run, found.last_good_at) == ("hier", AT - timedelta(days=1))


def test_without_history_the_baseline_is_compared_if_the_scenario_was_good_there() -> None:
    def baseline(outcome: Outcome) -> Basis:
        result = BaselineResult("APP-001", "Titre", Criticality.MAJEURE, outcome, 1.0)
        return Basis(
            baseline=Baseline(
                number=1,
                platform="essai",
                application_version="5.1.0",
                run_id="promu",
                run_started_at=AT - timedelta(days=9),
                verdict=Verdict.OK,
                dataset="jeu",
                catalog="",
                files=(),
                limits=(),
                results=(result,),
                facts=GOOD_FACTS,
            )
        )

    run = make_run(ECART, facts=GOOD_FACTS)
    (found,) = build_triage(run, baseline(Outcome.OK), judge(run), Captured())
    assert found.last_good_run == "promu"
    assert found.differences == (Difference(env.DELIVERY, env.EXPECTED_VERSION, "5.1.0", "5.2.0"),)
    assert found.cause is APPLICATION
    (found,) = build_triage(run, baseline(Outcome.KO), judge(run), Captured())
    assert found.last_good_run == ""


def test_what_varies_by_nature_is_no_difference_unless_beyond_its_limit() -> None:
    usual = change(env.FREE_DISK, "12 Go")
    assert triage(ECART, usual).differences == ()
    assert triage(ECART, change(env.LOG_MARK, "2026-11-23")).differences == ()
    run = make_run(ECART, facts=usual)
    run = dataclasses.replace(
        run, plan=dataclasses.replace(run.plan, limits=(Limit("disk_free_bytes", 2e10),))
    )
    (found,) = build_triage(run, Basis(last_good=(good_run("APP-001"),)), judge(run), Captured())
    assert found.differences == (Difference("SITE-A", env.FREE_DISK, "84 Go", "12 Go"),)


def test_a_fact_that_was_never_read_before_is_no_difference() -> None:
    assert triage(ECART, (*GOOD_FACTS, Fact("SITE-A", "Nouveau relevé", "x"))).differences == ()
    added = (*GOOD_FACTS, Fact("SITE-A", env.CONFIGURATION + "autre.json", "x"))
    assert triage(ECART, added).differences == (
        Difference("SITE-A", env.CONFIGURATION + "autre.json", "absent", "x"),
    )
    removed = (*change(env.CONFIGURATION + "client.json", None), Fact("SITE-A", env.CONFIGURATION + "b", "x"))
    assert (
        Difference("SITE-A", env.CONFIGURATION + "client.json", "cccc", "absent")
        in triage(ECART, removed).differences
    )
    unread = change(env.CONFIGURATION + "client.json", None)
    assert triage(ECART, unread).differences == ()


def test_the_fingerprint_is_the_same_on_another_day_and_only_for_the_same_failure() -> None:
    def print_of(message: str, **changes: object) -> str:
        result = dataclasses.replace(make_result("APP-001", message=message), **changes)  # type: ignore[arg-type]
        return triage(result).fingerprint

    first = print_of("Attendu : 12 ; trouvé : 13 le 2026-11-23 01:30:00.", started_at=AT)
    later = print_of("Attendu : 7 ; trouvé : 8 le 2027-01-02 03:04:05.", started_at=AT + timedelta(days=40))
    assert first == later
    assert len(first) == 12
    assert first != print_of("Autre chose.")
    assert first != print_of("Attendu : 12 ; trouvé : 13 le 2026-11-23 01:30:00.", failure=Failure.DELAI)
    assert first != print_of("Attendu : 12 ; trouvé : 13 le 2026-11-23 01:30:00.", scenario_id="APP-002")


def test_the_fingerprint_is_of_the_first_attempt_that_failed() -> None:
    first = make_result("APP-001", message="Premier.")
    second = make_result("APP-001", message="Second.", attempt=2)
    run = make_run(second, first)
    (found,) = build_triage(run, Basis(), judge(run), Captured())
    (alone,) = build_triage(make_run(first), Basis(), judge(make_run(first)), Captured())
    assert found.fingerprint == alone.fingerprint


def test_logs_are_cut_around_each_attempt_and_new_errors_are_never_left_out() -> None:
    # The first attempt lasts from 01:31:00 to 01:31:02, the second a minute later.
    stamps = ["01:30:54", "01:30:55", "01:31:07", "01:31:08", "01:31:54", "01:31:55", "01:32:07", "01:32:08"]
    text = "".join(f"2026-11-23T{one}.000Z INFO à {one}\n" for one in stamps)
    run = make_run(make_result("APP-001"), make_result("APP-001", attempt=2))
    captured = Captured(logs=(("srv-a/client.log", parse_log(text)),))
    (found,) = build_triage(run, Basis(), judge(run), captured)
    assert [line[-8:] for line in found.logs[0].lines] == ["01:30:55", "01:31:07", "01:31:55", "01:32:07"]
    many = "2026-11-23T01:31:00.000Z ERREUR division par zéro\n" + "".join(
        f"2026-11-23T01:31:01.{n:03d}Z INFO ligne {n}\n" for n in range(100)
    )
    source = "srv-a/client.log"
    lines = parse_log(many)
    captured = Captured(
        logs=((source, lines), ("srv-a/autre.log", lines[1:])),
        new_signatures=frozenset({(source, lines[0].signature)}),
    )
    (found,) = build_triage(make_run(ECART), Basis(), judge(make_run(ECART)), captured)
    first, second = found.logs
    assert (first.source, len(first.lines), first.left_out) == (source, 20, 81)
    assert "division par zéro" in first.lines[0]
    assert first.lines[-1].endswith("ligne 99")
    assert (second.source, len(second.lines), second.left_out) == ("srv-a/autre.log", 5, 95)


TEXT = st.text(max_size=60)
FACT_NAMES = st.sampled_from([fact.name for fact in GOOD_FACTS]) | TEXT
FACTS = st.lists(st.builds(Fact, st.sampled_from(["SITE-A", "SITE-B"]) | TEXT, FACT_NAMES, TEXT), max_size=8)
RESULTS = st.lists(
    st.builds(
        ScenarioResult,
        scenario_id=st.sampled_from(["BASE-001", "APP-001", "HD-001", "HD-002"]),
        outcome=st.sampled_from(list(Outcome)),
        message=TEXT,
        started_at=st.none() | st.just(AT + timedelta(minutes=1)),
        duration_seconds=st.floats(0, 1e4),
        attempt=st.integers(1, 3),
        failure=st.none() | st.sampled_from(list(Failure)),
    ),
    max_size=8,
    unique_by=lambda one: (one.scenario_id, one.attempt),
)


@given(
    results=RESULTS,
    before=FACTS,
    after=FACTS,
    log=TEXT,
    diff=TEXT,
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=3),
    seed=st.integers(0, 9),
)
def test_any_run_has_one_triage_that_neither_order_nor_repetition_changes(
    results: list[ScenarioResult],
    before: list[Fact],
    after: list[Fact],
    log: str,
    diff: str,
    rows: list[tuple[str, str, str]],
    seed: int,
) -> None:
    run = make_run(*results, facts=tuple(after), interruption=log)
    ids = tuple(scenario.id for scenario in run.plan.scenarios)
    basis = Basis(last_good=(dataclasses.replace(good_run(*ids), facts=tuple(before)),))
    findings = tuple(Finding(one, Outcome.KO, Change.NEW, note=log) for one in ids)
    assessment = Assessment(Verdict.KO, (), findings)
    line = f"2026-11-23T01:31:01.000Z ERREUR {log}"
    captured = dataclasses.replace(
        log_of("srv-a/x.log", line), modules_diff=f"+++ {diff}", configuration=tuple(rows)
    )
    found = build_triage(run, basis, assessment, captured)
    assert [one.scenario_id for one in found] == list(ids)
    assert all(one.why and all(one.why) for one in found)
    shuffled = list(results)
    random.Random(seed).shuffle(shuffled)
    again = build_triage(dataclasses.replace(run, results=tuple(shuffled)), basis, assessment, captured)
    assert again == found
    for one in found:
        assert render_triage_markdown(one, run).startswith("# Fiche de diagnostic")
