"""Reading what « État de la plateforme » shows: history, ledger, and what the campaign was judged with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.errors import NonregError
from nonreg.history import default_url, open_history
from nonreg.ledger import LedgerEntry
from nonreg.model import Acceptance, Answer, CampaignReport, History, Verdict
from reports.artifacts import name_verdict
from reports.intervention import ACCEPTANCES, ANSWERS, AWAITED
from reports.platform_state import CAMPAIGNS, LastAnswer, LastDrills, PlatformState
from tasks.intervention import ACCEPTANCE_KIND, KIND
from tasks.publication import RUN_KIND


def read_state(runs_dir: Path, report: CampaignReport, now: datetime) -> PlatformState:
    """The state of a campaign's platform after its publication; what cannot be read is named."""
    plan, unknown = report.run.plan, []
    history = History()
    try:
        soon = now + timedelta(minutes=1)  # a clock put back a little hides nothing
        history = open_history(default_url(runs_dir)).load_history(
            plan.platform.name, soon, CAMPAIGNS, catalog=None
        )
    except NonregError as error:
        unknown.append(f"historique ({error})")
    entries: tuple[LedgerEntry, ...] = ()
    try:
        entries = ledger.read_entries(runs_dir / ledger.FILE)
    except NonregError as error:
        unknown.append(f"registre ({error})")
    mine = [one for one in entries if one.platform == plan.platform.name]
    answers = [one for one in mine if one.kind == KIND and one.data.get("answer") in list(Answer)]
    said = read_acceptances(mine)
    gone = [one for one in answers if lets_begin(one, said)]
    return PlatformState(
        plan.platform,
        now,
        history,
        report.basis.baseline,
        report.basis.waivers,
        read_answer(gone, said),
        read_answer(answers, said),
        read_drills([one for one in mine if one.kind == RUN_KIND and one.data.get("drills")]),
        tuple(unknown),
    )


def read_acceptances(entries: Sequence[LedgerEntry]) -> dict[str, Acceptance]:
    """What was last answered about the reserves of each decision."""
    return {
        name_decision(one): Acceptance(one.data["acceptance"])
        for one in entries
        if one.kind == ACCEPTANCE_KIND and one.data.get("acceptance") in list(Acceptance)
    }


def lets_begin(entry: LedgerEntry, said: Mapping[str, Acceptance]) -> bool:
    """False for a NO-GO, and for a GO whose reserves had to be accepted and were not."""
    if entry.data.get("answer") == Answer.NO_GO.value:
        return False
    return not entry.data.get("acceptance_required") or said.get(name_decision(entry)) is Acceptance.ACCEPTED


def name_decision(entry: LedgerEntry) -> str:
    """The id of the decision that an entry keeps."""
    return str(entry.data.get("decision"))


def read_answer(entries: Sequence[LedgerEntry], said: Mapping[str, Acceptance]) -> LastAnswer | None:
    """The last answer before an intervention, with what became of its reserves."""
    if not entries:
        return None
    last = entries[-1]
    words = ANSWERS[Answer(last.data["answer"])].text
    if last.data.get("acceptance_required"):
        acceptance = said.get(name_decision(last))
        words += f", réserves {ACCEPTANCES[acceptance] if acceptance else AWAITED}"
    return LastAnswer(last.at, words, last.ticket)


def read_drills(entries: Sequence[LedgerEntry]) -> LastDrills | None:
    """The last campaign with drills."""
    if not entries:
        return None
    last = entries[-1]
    verdict = name_verdict(Verdict(last.data["verdict"]))
    return LastDrills(last.at, verdict, tuple(str(one) for one in last.data["drills"]))
