"""« État de la plateforme » : what its last campaigns gave, at a glance and readable in black and white."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from nonreg.model import Baseline, Family, History, Outcome, PastRun, PlatformIdentity, Verdict, Waiver
from reports import text
from reports.artifacts import Links
from reports.markdown import bullets, escape, fence, link

CAMPAIGNS = 14
ROWS = 30
ABSENT = "—"
NOT_GOOD = frozenset(outcome.letter for outcome in Outcome if not outcome.is_good)
SIGNS = {
    Outcome.OK: "OK",
    Outcome.KO: "[KO]",
    Outcome.INCONCLUSIF: "IN",
    Outcome.NON_EXECUTE: "NE",
    Outcome.NON_APPLICABLE: "NA",
    Outcome.MESURE: "ME",
    Outcome.DEROGATION: "DE",
}
LETTERS = {outcome.letter: sign for outcome, sign in SIGNS.items()}
WORST_FIRST = "KINDOMA"  # letters: which one stands for a whole family
VERDICTS = {Verdict.OK: "OK", Verdict.OK_AVEC_RESERVES: "OK/R", Verdict.INCOMPLET: "IN", Verdict.KO: "[KO]"}
LEGEND = (
    "OK : réussi ; [KO] : en échec ; DE : en échec, dérogation en vigueur ; IN : inconclusif (campagne : INCOMPLET) ; "
    "NE : non exécuté ; NA : non applicable ; ME : mesure sans limite convenue ; OK/R : OK avec réserves ; "
    f"{ABSENT} : non prévu. Une famille montre son plus mauvais résultat."
)


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """An answer given before an intervention."""

    at: datetime
    answer: str
    ticket: str


@dataclass(frozen=True, slots=True)
class LastDrills:
    """The last campaign that broke something by approval."""

    at: datetime
    verdict: str
    scenario_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatformState:
    """What is known of a platform at a moment; `go` is the last GO, `answer` what was answered last.

    `history` holds its last campaigns, in any order; `unknown` says in French what could not be read.
    """

    platform: PlatformIdentity
    at: datetime
    history: History
    baseline: Baseline | None = None
    waivers: tuple[Waiver, ...] = ()
    go: LastAnswer | None = None
    answer: LastAnswer | None = None
    drills: LastDrills | None = None
    unknown: tuple[str, ...] = ()


def describe_state(state: PlatformState, links: Links) -> str:
    """Return the page as Markdown."""
    platform = state.platform
    lines = [
        f"# {escape(platform.title or platform.name)}",
        "",
        f"État au {text.format_moment(state.at)}",
        "",
        f"- Version de l'application : {escape(text.known(platform.application_version))}",
        f"- Référence : {_name_baseline(state.baseline)}",
        f"- Dernier GO : {_name_go(state, links)}",
        f"- Dernier exercice HD : {_name_drills(state.drills)}",
        *(f"- Non lu : {escape(one, 300)}" for one in state.unknown),
        "",
        "## Dernières campagnes",
        "",
        *draw_matrix(state.history),
        "",
        "## Dérogations en vigueur",
        "",
        *_list_waivers(state, links),
    ]
    return "\n".join(lines) + "\n"


def _name_baseline(baseline: Baseline | None) -> str:
    if baseline is None:
        return "aucune promue"
    promoted = f", promue le {text.format_day(baseline.promoted_at)}" if baseline.promoted_at else ""
    return f"n° {baseline.number}, version {escape(baseline.application_version)}{promoted}"


def _name_go(state: PlatformState, links: Links) -> str:
    if state.go is None:
        said = "aucun"
    else:
        ticket = link(state.go.ticket, links.ticket(state.go.ticket))
        said = f"{escape(state.go.answer)} le {text.format_day(state.go.at)}, ticket {ticket}"
    if state.answer is not None and state.answer != state.go:
        ticket = link(state.answer.ticket, links.ticket(state.answer.ticket))
        said += f" ; depuis, **{escape(state.answer.answer)}** le {text.format_day(state.answer.at)}, ticket {ticket}"
    return said


def _name_drills(drills: LastDrills | None) -> str:
    if drills is None:
        return "aucun"
    names = text.name_ids(drills.scenario_ids, 8, "voir le rapport")
    return f"{text.format_day(drills.at)}, verdict {escape(drills.verdict)} ({escape(names)})"


def _list_waivers(state: PlatformState, links: Links) -> list[str]:
    waivers = sorted(
        (one for one in state.waivers if one.is_in_force(state.at)), key=lambda one: one.expires_at
    )
    if not waivers:
        return ["Aucune."]
    told = [
        f"**{escape(one.scenario_id)}**, échéance {text.format_day(one.expires_at)}, "
        f"ticket {link(one.ticket, links.ticket(one.ticket))} : {escape(one.reason, 200)}"
        for one in waivers
    ]
    return bullets(told, ROWS)


def choose_runs(history: History) -> list[tuple[int, PastRun]]:
    """Return the campaigns to show, each once, oldest first, with their places in the history."""
    places = {run.run_id: (place, run) for place, run in enumerate(history.runs)}
    ordered = sorted(places.values(), key=lambda one: (one[1].started_at, one[1].run_id))
    return ordered[-CAMPAIGNS:]


def draw_matrix(history: History) -> list[str]:
    """Return verdicts, families and the scenarios that were not always good, by campaign; then the legend."""
    runs = choose_runs(history)
    if not runs:
        return ["Aucune campagne dans l'historique."]
    letters = {
        one.scenario_id: [one.outcomes[place : place + 1] or "-" for place, _ in runs]
        for one in history.scenarios
    }
    heads = [text.format_day(run.started_at).split() for _, run in runs]
    rows = [
        ["", *(day[:5] for day, _ in heads)],
        ["", *(hour for _, hour in heads)],
        ["Verdict", *(VERDICTS[run.verdict] for _, run in runs)],
    ]
    for family in Family:
        columns = [found for name, found in letters.items() if name.split("-")[0] == family.value]
        if columns:
            rows.append([family.name, *(_sign(_worst(column)) for column in zip(*columns, strict=True))])
    troubled = list(_find_troubled(letters))
    rows += [[name, *map(_sign, letters[name])] for name in troubled[:ROWS]]
    width = max(len(row[0]) for row in rows)
    lines = fence("\n".join(_align(row, width) for row in rows))
    left = len(troubled) - ROWS
    if left > 0:
        lines += [
            "",
            f"… et {text.plural(left, 'autre scénario', 'autres scénarios')} qui n'ont pas toujours réussi.",
        ]
    return [*lines, "", LEGEND]


def _align(row: list[str], width: int) -> str:
    """One line of the matrix: a table of Prefect would not fit its page."""
    return f"{row[0]:<{width}}  {' '.join(f'{cell:^5}' for cell in row[1:])}".rstrip()


def _sign(letter: str) -> str:
    return LETTERS.get(letter, ABSENT)


def _worst(letters: tuple[str, ...]) -> str:
    return min(letters, key=lambda one: WORST_FIRST.find(one) % (len(WORST_FIRST) + 1))


def _find_troubled(letters: dict[str, list[str]]) -> Iterator[str]:
    """Names that were not always good: those of the last campaigns first."""
    last = {
        name: max(place for place, letter in enumerate(found) if letter in NOT_GOOD)
        for name, found in letters.items()
        if NOT_GOOD.intersection(found)
    }
    yield from sorted(last, key=lambda name: (-last[name], name))
