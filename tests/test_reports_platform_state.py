"""« État de la plateforme », from values alone."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nonreg.model import History, Outcome, PastRun, ScenarioHistory, Verdict
from reports.artifacts import Links
from reports.platform_state import (
    CAMPAIGNS,
    LEGEND,
    LETTERS,
    ROWS,
    VERDICTS,
    LastAnswer,
    LastDrills,
    PlatformState,
    describe_state,
    draw_matrix,
)
from tests.judgements import make_waiver
from tests.report_past_samples import promoted_baseline
from tests.report_samples import green_report
from tests.test_reports_artifacts import FOLDER

AT = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
LINKS = Links(FOLDER, ticket=lambda reference: f"https://suivi.exemple/{reference}")
LETTERS_OR_ABSENT = st.sampled_from([outcome.letter for outcome in Outcome] + ["-"])


def make_past(number: int, verdict: Verdict = Verdict.OK, hours: float | None = None) -> PastRun:
    started = AT + timedelta(hours=24 * number if hours is None else hours)
    return PastRun(f"P-{number:04d}", "5.2.0", started, 60.0, verdict, "AQ-1", 2, 2, 0)


def make_state(history: History = History(), **changes: object) -> PlatformState:  # noqa: B008
    state = PlatformState(green_report().run.plan.platform, AT, history)
    return dataclasses.replace(state, **changes)  # type: ignore[arg-type]


def read_matrix(history: History) -> dict[str, list[str]]:
    """Cells by row; the first two are the days and the hours."""
    lines = draw_matrix(history)
    start = lines.index("```")
    body = lines[start + 1].split("\n")
    rows = {"jour": body[0].split(), "heure": body[1].split()}
    return rows | {line.split()[0]: line.split()[1:] for line in body[2:]}


def test_the_matrix_has_a_column_a_campaign_and_a_row_a_family_and_a_scenario_that_was_not_always_good() -> (
    None
):
    history = History(
        (make_past(0), make_past(1, Verdict.KO), make_past(2, Verdict.OK_AVEC_RESERVES)),
        (
            ScenarioHistory("BASE-001", "OOO", ()),
            ScenarioHistory("BASE-002", "OMA", ()),
            ScenarioHistory("HD-005", "OK-", ()),
            ScenarioHistory("APP-004", "NDO", ()),
        ),
    )
    assert read_matrix(history) == {
        "jour": ["23/11", "24/11", "25/11"],
        "heure": ["01:30", "01:30", "01:30"],
        "Verdict": ["OK", "[KO]", "OK/R"],
        "BASE": ["OK", "OK", "OK"],
        "APPLICATIF": ["NE", "DE", "OK"],
        "HD": ["OK", "[KO]", "—"],
        "APP-004": ["NE", "DE", "OK"],
        "HD-005": ["OK", "[KO]", "—"],
    }


def test_every_sign_of_the_matrix_is_in_the_legend() -> None:
    for sign in (*LETTERS.values(), *VERDICTS.values(), "—"):
        assert f"{sign} : " in LEGEND


def test_an_empty_history_is_said() -> None:
    assert draw_matrix(History()) == ["Aucune campagne dans l'historique."]
    assert "Aucune campagne dans l'historique." in describe_state(make_state(), LINKS)


@given(st.data())
def test_each_of_the_last_campaigns_stands_once_and_in_order_whatever_the_history(
    data: st.DataObject,
) -> None:
    numbers = data.draw(st.lists(st.integers(0, 40), max_size=40))
    runs = tuple(
        make_past(number, data.draw(st.sampled_from(Verdict)), hours=7 * number) for number in numbers
    )
    scenarios = tuple(
        ScenarioHistory(name, data.draw(st.text(LETTERS_OR_ABSENT, max_size=len(runs) + 2)), ())
        for name in data.draw(
            st.lists(st.sampled_from(["BASE-001", "HD-005", "APP-1", "X", ""]), unique=True)
        )
    )
    lines = draw_matrix(History(runs, scenarios))
    expected = sorted({run.run_id: run.started_at for run in runs}.items(), key=lambda one: one[1])[
        -CAMPAIGNS:
    ]
    if not expected:
        assert lines == ["Aucune campagne dans l'historique."]
        return
    days, hours = lines[1].split("\n")[:2]
    shown = list(zip(days.split(), hours.split(), strict=True))
    moments = [started.astimezone(ZoneInfo("Europe/Paris")) for _, started in expected]
    assert shown == [(f"{moment:%d/%m}", f"{moment:%H:%M}") for moment in moments]


def test_only_the_last_campaigns_are_shown_when_there_are_more() -> None:
    history = History(tuple(make_past(number) for number in range(CAMPAIGNS + 2)))
    days = read_matrix(history)["jour"]
    assert len(days) == CAMPAIGNS
    assert (days[0], days[-1]) == ("25/11", "08/12")


def test_scenarios_that_fail_now_come_first_and_what_does_not_fit_is_counted() -> None:
    old = ScenarioHistory("BASE-001", "KO", ())
    new = ScenarioHistory("HD-999", "OK", ())
    rows = list(read_matrix(History((make_past(0), make_past(1)), (old, new))))
    assert rows[-2:] == ["HD-999", "BASE-001"]
    many = tuple(ScenarioHistory(f"HD-{number:03d}", "K", ()) for number in range(ROWS + 2))
    lines = draw_matrix(History((make_past(0),), many))
    assert "… et 2 autres scénarios qui n'ont pas toujours réussi." in lines


def test_the_page_gives_version_baseline_go_drills_and_waivers_in_force() -> None:
    expired, valid = make_waiver("BASE-001", AT), make_waiver("HD-005", AT + timedelta(days=3))
    shown = describe_state(
        make_state(
            baseline=promoted_baseline(),
            waivers=(expired, valid),
            go=LastAnswer(AT, "GO", "AQ-31"),
            answer=LastAnswer(AT + timedelta(hours=1), "NO-GO", "AQ-32"),
            drills=LastDrills(AT, "OK", ("HD-020", "HD-021")),
            unknown=("registre (rompu)",),
        ),
        LINKS,
    )
    assert "- Version de l'application : 7" in shown
    assert "- Référence : n° 4, version 7" in shown
    assert "GO le 23/11/2026 01:30, ticket [AQ-31](https://suivi.exemple/AQ-31)" in shown
    assert "depuis, **NO-GO** le 23/11/2026 02:30" in shown
    assert "- Dernier exercice HD : 23/11/2026 01:30, verdict OK (HD-020, HD-021)" in shown
    assert "- Non lu : registre (rompu)" in shown
    waivers = shown.split("## Dérogations en vigueur")[1]
    assert "**HD-005**, échéance 26/11/2026 01:30" in waivers
    assert "BASE-001" not in waivers


def test_a_platform_without_any_past_says_so_everywhere() -> None:
    shown = describe_state(make_state(), LINKS)
    assert "- Référence : aucune promue" in shown
    assert "- Dernier GO : aucun" in shown
    assert "- Dernier exercice HD : aucun" in shown
    assert shown.endswith("## Dérogations en vigueur\n\nAucune.\n")
