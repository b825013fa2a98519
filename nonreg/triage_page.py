"""A triage pack (fiche) as Markdown, to paste in a ticket; pure.

Whatever the platform wrote is quoted, never obeyed, hides nothing, and holds no password, phone, mail, address or
account.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache

from nonreg.masking import conceal
from nonreg.model import CampaignRun, Cause, Effect, Failure, Gap, Scenario, ScenarioResult, Triage
from nonreg.screen import show
from nonreg.wording import decimal, plural

OPENING, MARKED = re.compile(r"\A(\d*)([-+=.)])"), r"\1\\\2"
# Of one text of the platform, which may hold megabytes.
LINE_CHARS, BLOCK_CHARS = 4_000, 40_000
SHOWN_GAPS, SHOWN_ROWS = 5, 20
CELL_CHARS, REQUEST_CHARS = 200, 3000
CAUSES = {
    Cause.APPLICATION: "application",
    Cause.ENVIRONNEMENT: "environnement",
    Cause.BANC_DE_TEST: "banc de test",
}
FAILURES = {
    Failure.ECART: "écart",
    Failure.PLATEFORME: "plateforme non observée",
    Failure.DELAI: "délai dépassé ou interruption",
    Failure.CONTROLE: "contrôle défaillant",
}
EFFECTS = {Effect.READ_ONLY: "lecture seule", Effect.WRITES_TEST_DATA: "données d'essai, nettoyées"}


def render_triage_markdown(triage: Triage, run: CampaignRun) -> str:
    """The pack of one failure."""
    return next(render_triage_pages((triage,), run))[1]


def render_triage_pages(triages: Iterable[Triage], run: CampaignRun) -> Iterator[tuple[str, str]]:
    """Scenario id and pack of each failure; the run is looked through once."""
    scenarios = {one.id: one for one in run.plan.scenarios}
    attempts: defaultdict[str, list[ScenarioResult]] = defaultdict(list)
    for result in sorted(run.results, key=lambda one: one.attempt):
        attempts[result.scenario_id].append(result)
    for triage in triages:
        scenario_id = triage.scenario_id
        yield (
            scenario_id,
            _render(triage, run, scenarios.get(scenario_id), attempts.get(scenario_id, [])),
        )


def _render(
    triage: Triage, run: CampaignRun, scenario: Scenario | None, attempts: list[ScenarioResult]
) -> str:
    title = f" — {inline(scenario.title)}" if scenario else ""
    blocks = [
        f"# Fiche de diagnostic {inline(triage.scenario_id)}{title}",
        *_identify(triage, run, scenario),
        "## Cause présumée",
        f"**{CAUSES[triage.cause]}**",
        bullets(triage.why),
        "## Ce qui a été constaté",
        *_describe_attempts(attempts),
        "## Ce qui a changé depuis le dernier passage bon",
        _describe_differences(triage),
    ]
    if triage.drift:
        blocks += ["## Ce qui diffère de la référence livrée", bullets(triage.drift)]
    if triage.diff:
        blocks += ["## Code qui diffère de la référence", fence(triage.diff, "diff")]
    if triage.logs:
        blocks += ["## Journaux autour de l'échec", "Heures des journaux : TU, à l'horloge de chaque hôte."]
    for excerpt in triage.logs:
        more = ""
        if excerpt.left_out:
            more = f" ({plural(excerpt.left_out, 'autre ligne non reprise', 'autres lignes non reprises')})"
        blocks += [f"`{code(excerpt.source)}`{more} :", fence("\n".join(excerpt.lines))]
    if triage.missing:
        blocks += ["## Limites de ce diagnostic", bullets(triage.missing)]
    blocks.append("Toutes les heures de cette fiche sont en temps universel (TU).")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _identify(triage: Triage, run: CampaignRun, scenario: Scenario | None) -> list[str]:
    platform = run.plan.platform
    rows = [
        ("Passage", run.plan.run_id),
        ("Plateforme", f"{platform.name}, AQUARÉEL {platform.application_version}, jeu {platform.dataset}"),
        ("Début", show_instant(run.started_at)),
        ("Ticket du passage", run.plan.ticket),
        ("Empreinte de l'échec", triage.fingerprint),
    ]
    if scenario is not None:
        effect = EFFECTS.get(scenario.effect, scenario.effect.value)
        rows.append(("Criticité", f"{scenario.criticality.value}, {effect}"))
    rows.append(("Pour rejouer", replay_command(run, triage.scenario_id)))
    return [table(("", ""), rows)]


def replay_command(run: CampaignRun, scenario_id: str) -> str:
    """The run's own command, for this scenario alone."""
    try:
        words = shlex.split(run.plan.command)
    except ValueError:
        return ""
    for option in ("--select", "--families"):
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    return shlex.join([*words, "--select", scenario_id])


def _describe_attempts(attempts: list[ScenarioResult]) -> list[str]:
    if not attempts:
        return ["Aucun résultat n'a été enregistré."]
    rows = [
        (
            str(one.attempt),
            one.outcome.value,
            FAILURES[one.failure] if one.failure else "",
            show_instant(one.started_at) if one.started_at else "n.d.",
            f"{decimal(one.duration_seconds)} s",
            one.message,
        )
        for one in attempts
    ]
    blocks = [table(("Essai", "Résultat", "Nature", "Début", "Durée", "Message"), rows)]
    failed = next((one for one in attempts if one.gaps), None)
    if failed is not None:
        for gap in failed.gaps[:SHOWN_GAPS]:
            blocks += _describe_gap(gap)
        if len(failed.gaps) > SHOWN_GAPS:
            more = plural(len(failed.gaps) - SHOWN_GAPS, "autre écart", "autres écarts")
            blocks.append(f"… et {more}, voir le rapport.")
    evidence = [f"`{code(item.path)}` : {inline(item.title)}" for one in attempts for item in one.evidence]
    return [*blocks, *(["Pièces :", bullets(evidence, escaped=True)] if evidence else [])]


def _describe_gap(gap: Gap) -> list[str]:
    request = gap.request if len(gap.request) <= REQUEST_CHARS else gap.request[:REQUEST_CHARS] + "…"
    blocks = [
        f"Attendu : {inline(gap.expected)} ; trouvé : {inline(gap.found)}.",
        fence(request, "sql"),
    ]
    if gap.rows:
        columns = gap.columns or tuple("" for _ in gap.rows[0])
        blocks.append(table(columns, gap.rows[:SHOWN_ROWS]))
        shown, total = min(SHOWN_ROWS, len(gap.rows)), max(gap.rows_total, len(gap.rows))
        if total > shown:
            blocks.append(f"… {plural(shown, 'ligne montrée', 'lignes montrées')} sur {total}.")
    return blocks


def _describe_differences(triage: Triage) -> str:
    if not triage.last_good_run:
        return "Aucun passage bon connu pour ce scénario."
    day = f" du {show_instant(triage.last_good_at)}" if triage.last_good_at else ""
    since = f"Dernier passage bon : `{code(triage.last_good_run)}`{day}."
    if not triage.differences:
        limited = ", dans les limites dites plus bas" if triage.missing else ""
        return f"{since} Aucune différence relevée{limited}."
    rows = [(one.subject, one.name, one.before or "n.d.", one.after or "n.d.") for one in triage.differences]
    return f"{since}\n\n{table(('Sujet', 'Élément', 'Avant', 'Maintenant'), rows)}"


def show_instant(at: datetime) -> str:
    """An instant in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} TU"


def _prepare(text: str, most: int) -> str:
    """What may be shown of a text; cut after what is secret was looked for, so that no half of it is left."""
    shown = show(conceal(text[: 2 * most]))
    return shown if len(shown) <= most else f"{shown[:most].rstrip()}… [suite dans le rapport]"


@lru_cache(maxsize=2048)  # names, titles and values come again in each pack of a run
def inline(text: str) -> str:
    """A text on one line, with what Markdown or HTML would obey escaped."""
    flat = " ".join(_prepare(text, LINE_CHARS).split())
    return re.sub(r"([\\`*_{}\[\]<>|#~&@])", r"\\\1", flat)


def code(text: str) -> str:
    """A text for inside single backquotes."""
    return " ".join(_prepare(text, LINE_CHARS).replace("`", "'").split())


def fence(text: str, language: str = "") -> str:
    """A code block longer than any fence inside it."""
    text = _prepare(text, BLOCK_CHARS)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text.rstrip(chr(10))}\n{ticks}"


def bullets(lines: Iterable[str], escaped: bool = False) -> str:
    """A list; lines are escaped unless they were. One that begins as a list or a rule would is no other list."""
    return "\n".join(f"- {line if escaped else OPENING.sub(MARKED, inline(line))}" for line in lines)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of escaped cells, cut to a bearable width."""
    names = [inline(one) for one in columns]

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    body = [
        line(inline(cell[:CELL_CHARS] + ("…" if len(cell) > CELL_CHARS else "")) for cell in row)
        for row in rows
    ]
    return "\n".join((line(names), line("---" for _ in names), *body))
