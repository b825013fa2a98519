"""The briefing pack and the handover plan: what is gathered, what is told to be missing, what may not leave."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.handover.activation import load_table
from nonreg.handover.briefing import has_regressed, list_risks, summarise_families
from nonreg.handover.plan import make_plan
from nonreg.handover.readiness_binder import BINDER
from nonreg.handover.ticket_history import RECENT
from nonreg.history_records import JUDGED_LETTERS, PASSED_LETTERS
from nonreg.model import Family, History, Outcome, PastRun, ScenarioHistory, Verdict
from nonreg.model.briefing import Briefing, TrackedTicket
from nonreg.model.handover import Execution
from reports.briefing import build_briefing
from reports.handover_plan import build_handover_plan
from reports.html import write_html
from reports.pdf import write_pdf
from tasks import handover_sources
from tasks.handover_sources import Gathering, read_schedule
from tasks.handover_work import Work
from tests.governed import ALL_GOOD, Governed, publish_run
from tests.handover.activations import integrate, make_site, open_shipped, play, script_of, work_on

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
TABLE = load_table()
WAIVER = """
[[waivers]]
scenario = "HD-001"
reason = "essai, rappeler le 04 75 11 22 33"
ticket = "AQ-700"
owner = "titulaire-essai"
decision = "D-0123456789ab"
expires = {expires}
"""
DEADLINE = """
[[deadlines]]
id = "lot"
title = "Livraison du lot"
at = 2026-11-20T09:00:00+01:00
person = "titulaire-essai"
ticket = "AQ-800"
"""


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_site(tmp_path)


@pytest.fixture
def work(governed: Governed) -> Work:
    return work_on(governed)


def gather(work: Work, execution: Execution | None = None, at: datetime | None = None) -> Briefing:
    execution = execution or open_shipped(work, "activation-pointe")
    return Gathering(work, execution, TABLE, at or datetime.now(UTC)).gather()


def test_what_is_missing_is_told_and_never_invented(work: Work, governed: Governed) -> None:
    (governed.governance / "site.toml").unlink()
    briefing = gather(work)
    told = " ; ".join(briefing.missing)
    for source in ("suivi des tickets", "aucune campagne", "dernier passage HD", "contacts que le site"):
        assert source in told
    page = write_html(build_briefing(briefing, open_shipped(work, "activation-pointe"), 1))
    assert "incomplet" in page
    assert "n.d. : aucun passage HD lisible." in page
    assert all(fact.value == "" for fact in briefing.contacts)


@pytest.mark.parametrize(
    ("name", "source"), [("waivers.toml", "dérogations"), ("deadlines.toml", "échéances")]
)
def test_a_source_that_is_broken_is_named_and_takes_nothing_else_away(
    work: Work, governed: Governed, name: str, source: str
) -> None:
    publish_run(governed, "20261123T060000Z-embarquee-aaaaaa")
    (governed.governance / name).write_text("[[", encoding="utf-8")
    briefing = gather(work)
    assert [one for one in briefing.missing if one.startswith(source)]
    assert len(briefing.families) == 3
    assert briefing.runbooks


def test_an_execution_that_cannot_be_read_is_named_and_hides_no_other(work: Work) -> None:
    other = open_shipped(work, "contacts")
    (work.journal.folder(other.id) / "runbook.json").write_text("{}", encoding="utf-8")
    briefing = gather(work)
    assert [one for one in briefing.missing if other.id in one]
    assert [one.title for one in briefing.running] == ["Activation : pointe d'activité"]


def test_a_ledger_that_is_broken_is_named(work: Work) -> None:
    execution = open_shipped(work, "activation-pointe")
    file = work.journal.file
    file.write_bytes(file.read_bytes().replace(b"AQ-150", b"AQ-151", 1))
    assert [one for one in gather(work, execution).missing if one.startswith("registre")]


def test_the_tickets_are_those_that_something_happened_to_or_that_something_binds(
    work: Work, governed: Governed
) -> None:
    publish_run(governed, "20261123T060000Z-embarquee-aaaaaa")  # AQ-1, a week before
    (governed.governance / "waivers.toml").write_text(
        WAIVER.format(expires="2027-06-01T00:00:00+01:00"), encoding="utf-8"
    )
    (governed.governance / "deadlines.toml").write_text(DEADLINE, encoding="utf-8")
    near = {one.reference: one.why for one in gather(work, at=AT).tickets}
    assert near == {
        "AQ-150": ("exécution en cours", RECENT),
        "AQ-1": (RECENT,),
        "AQ-700": ("dérogation", "échéance"),
        "AQ-800": ("échéance",),
    }
    far = AT + timedelta(days=120)
    assert {one.reference for one in gather(work, at=far).tickets} == {"AQ-150", "AQ-700", "AQ-800"}


def test_a_ticket_tells_its_last_events_and_how_many_there_are(work: Work, governed: Governed) -> None:
    execution = play(
        work,
        script_of(governed, "activation-pointe"),
        open_shipped(work, "activation-pointe"),
        until="A6",
    )
    (ticket,) = gather(work, execution).tickets
    assert ticket.total == 1 + len(execution.done)
    assert ticket.events[0].what == "runbook activation-pointe (répétition) : étape A5 faite"
    assert ticket.events[-1].what == "runbook activation-pointe (répétition) : ouvert"


def test_the_tracking_platform_decides_which_tickets_are_open_once_it_answers(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ones = (
        TrackedTicket("AQ-150", "Export horaire", "en cours"),
        TrackedTicket("AQ-9", "Autre", "neuf"),
    )
    monkeypatch.setattr(handover_sources, "read_open_tickets", lambda work: open_ones)
    briefing = gather(work)
    assert {one.reference for one in briefing.tickets} == {"AQ-150", "AQ-9"}
    assert not [one for one in briefing.missing if "suivi" in one]


def test_the_last_campaign_of_each_family_tells_its_verdict_and_what_regressed(
    work: Work, governed: Governed
) -> None:
    bad = ALL_GOOD | {"BASE-001": Outcome.KO}
    publish_run(governed, "20261123T060000Z-embarquee-aaaaaa")
    publish_run(governed, "20261124T060000Z-embarquee-bbbbbb", bad, datetime(2026, 11, 24, 6, tzinfo=UTC))
    only_hd = {"HD-001": Outcome.OK}
    publish_run(governed, "20261125T060000Z-embarquee-cccccc", only_hd, datetime(2026, 11, 25, 6, tzinfo=UTC))
    base, applicatif, hd = gather(work).families
    assert (base.run_id[-6:], base.verdict, base.regressed) == ("bbbbbb", Verdict.KO, ("BASE-001",))
    assert (applicatif.run_id[-6:], applicatif.regressed, applicatif.failing) == ("bbbbbb", (), ())
    assert hd.run_id[-6:] == "cccccc"


def test_the_state_of_replication_is_that_of_the_last_hd_run_and_not_that_of_a_run_that_was_changed(
    work: Work, governed: Governed
) -> None:
    run_dir = publish_run(governed, "20261123T060000Z-embarquee-aaaaaa")
    found = gather(work).hd
    assert found is not None
    assert [(one.scenario_id, one.outcome) for one in found.checks] == [("HD-001", Outcome.OK)]
    assert "0,5" in found.checks[0].measures
    (run_dir / "facts.json").write_text("[]", encoding="utf-8")
    changed = gather(work)
    assert changed.hd is None
    assert [one for one in changed.missing if "modifié" in one]


letters = st.text("OKIAMDN-", min_size=2, max_size=8)


@given(letters)
def test_a_scenario_regressed_when_it_fails_and_passed_the_last_time_that_it_was_judged(text: str) -> None:
    *before, last = text
    judged = [one for one in before if one in JUDGED_LETTERS]
    expected = last in ("K", "D") and bool(judged) and judged[-1] in PASSED_LETTERS
    assert has_regressed(text, len(before), range(len(before))) is expected


@given(st.lists(st.text("OKIAMDN-", min_size=3, max_size=3), max_size=6))
def test_a_family_is_told_by_its_last_campaign_that_tried_it(rows: list[str]) -> None:
    runs = tuple(
        PastRun(f"passage-{day}", "5", AT + timedelta(days=day), 1.0, Verdict.OK, "AQ-1", 1, 1, 0)
        for day in range(3)
    )
    scenarios = tuple(
        ScenarioHistory(f"HD-{number:03d}", row, (None,) * 3) for number, row in enumerate(rows)
    )
    views = summarise_families(History(runs, scenarios))
    tried = [day for day in range(3) if any(row[day] not in "N-" for row in rows)]
    assert [one.run_id for one in views] == ([f"passage-{tried[-1]}"] if tried else [])
    assert all(set(one.regressed) <= set(one.failing) for one in views)
    assert all(one.family is Family.HD for one in views)


def test_a_number_is_masked_unless_the_site_itself_wrote_it(work: Work, governed: Governed) -> None:
    (governed.governance / "waivers.toml").write_text(
        WAIVER.format(expires="2027-06-01T00:00:00+01:00"), encoding="utf-8"
    )
    (governed.governance / "site.toml").write_text(
        '[facts]\n"téléphone d\'urgence du titulaire" = "04 75 99 88 77"\n', encoding="utf-8"
    )
    page = write_html(build_briefing(gather(work), open_shipped(work, "activation-pointe"), 0))
    assert "04 75 99 88 77" in page
    assert "04 75 11 22 33" not in page


def test_a_runbook_tells_when_it_was_followed_and_whether_it_changed_since(work: Work) -> None:
    integrate(work, rehearsal=True)
    found = {one.id: one for one in gather(work).runbooks}
    played = found["integration"]
    assert (played.done_at, played.played_at is not None, played.unchanged) == (None, True, True)
    assert found["deploiement"].unchanged is None
    assert [one.id for one in gather(work).runbooks][:7] == list(BINDER)
    assert sum(one.is_emergency for one in found.values()) == 7


def test_the_risks_are_what_regressed_what_ends_soon_what_is_overdue_and_what_was_never_played(
    work: Work, governed: Governed
) -> None:
    publish_run(governed, "20261123T060000Z-embarquee-aaaaaa")
    bad = ALL_GOOD | {"APP-001": Outcome.KO}
    publish_run(governed, "20261124T060000Z-embarquee-bbbbbb", bad, datetime(2026, 11, 24, 6, tzinfo=UTC))
    (governed.governance / "waivers.toml").write_text(
        WAIVER.format(expires="2026-12-15T00:00:00+01:00"), encoding="utf-8"
    )
    (governed.governance / "deadlines.toml").write_text(DEADLINE, encoding="utf-8")
    risks = "\n".join(list_risks(gather(work, at=AT), TABLE.briefing.soon_days))
    for words in (
        "APP-001",
        "Dérogation de HD-001 : expire le 15/12/2026",
        "Livraison du lot",
        "jamais déroulés",
    ):
        assert words in risks
    quiet = list_risks(Briefing("p", "5", AT), TABLE.briefing.soon_days)
    assert quiet == ()


def test_the_plan_says_who_does_what_from_what_was_answered(work: Work, governed: Governed) -> None:
    execution = play(
        work,
        script_of(governed, "activation-absence-imprevue"),
        open_shipped(work, "activation-absence-imprevue"),
        until="A7",
    )
    before = make_plan(execution, gather(work, execution), (), 30)
    roles = {one.label: one.value for one in before.roles}
    assert roles["Renfort de cette exécution"] == "renfort-technique-essai"
    assert roles["Profils mobilisés"] == "renfort technique, renfort pilotage"
    assert "aucune délégation" in roles["Décisions qui engagent"]
    assert {one.label: one.value for one in before.framing}["Urgence"] == "immédiate"
    integrate(work)
    after = play(work, script_of(governed, "activation-absence-imprevue"), execution, until="A9")
    signed = {one.label: one.value for one in make_plan(after, gather(work, after), (), 30).roles}
    assert signed["Décisions qui engagent"].startswith("renfort-pilotage-essai, jusqu'au ")
    assert "SCV 2026-44" in signed["Décisions qui engagent"]


def test_the_plan_is_a_page_and_a_pdf_that_say_what_starts_by_itself(work: Work) -> None:
    execution = open_shipped(work, "activation-absence-prevue")
    plan = make_plan(execution, gather(work, execution), read_schedule(), 30)
    document = build_handover_plan(plan, execution)
    page = write_html(document)
    assert "« nuit »" in page
    assert "chaque jour à 01:30 (Paris)" in page
    assert "dimanche à 04:30 (Paris)" in page
    assert "lundi à 06:30 (Paris)" in page
    assert "le premier de chaque mois à 06:45 (Paris)" in page
    assert write_pdf(document, AT).startswith(b"%PDF")
    text = re.sub(r"<[^>]+>", " ", page)
    assert "n.d." in text  # nothing was answered yet


def test_a_schedule_that_is_absent_or_broken_is_unknown(work: Work, tmp_path: Path) -> None:
    broken = tmp_path / "prefect.yaml"
    broken.write_text("deployments: [", encoding="utf-8")
    assert read_schedule(broken) == read_schedule(tmp_path / "absent.yaml") == ()
    execution = open_shipped(work, "activation-absence-prevue")
    page = write_html(build_handover_plan(make_plan(execution, gather(work), (), 30), execution))
    assert "Planification : n.d." in page


def test_a_document_of_a_play_says_so(work: Work) -> None:
    played, real = (open_shipped(work, "activation-pointe", rehearsal=one) for one in (True, False))
    briefing = gather(work, played)
    assert "pour une exécution qui n" in write_html(build_briefing(briefing, played, 0))
    assert "RÉPÉTITION" not in write_html(build_briefing(gather(work, real), real, 0)).replace(
        "(répétition)", ""
    )
