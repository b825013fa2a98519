"""A judged campaign at a glance, as those who watch Prefect see it: verdict, one table a family, one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from nonreg.model import (
    CampaignReport,
    Change,
    Criticality,
    Family,
    Finding,
    Outcome,
    Scenario,
    Triage,
    Verdict,
)
from reports import labels, text
from reports.markdown import bullets, escape, fence, link

TITLE_CHARACTERS = 120
COMMENT_CHARACTERS = 240
REASON_CHARACTERS = 300
SENTENCE_CHARACTERS = 200
IDS_IN_SENTENCE = 8
ITEMS = 30
# Worst first; within one outcome, what changed first.
OUTCOME_ORDER = (
    Outcome.KO,
    Outcome.INCONCLUSIF,
    Outcome.NON_EXECUTE,
    Outcome.DEROGATION,
    Outcome.OK,
    Outcome.MESURE,
    Outcome.NON_APPLICABLE,
)
CHANGE_ORDER = (
    Change.REGRESSION,
    Change.MISSING,
    Change.UNSTABLE,
    Change.SLOWER,
    Change.UNJUDGED,
    Change.NEW,
    Change.KNOWN_FAILURE,
    Change.FIXED,
    Change.SAME,
)


@dataclass(frozen=True, slots=True)
class Links:
    """Where a reader finds things: `ticket` gives the address of a reference, `report` that of the run's folder.

    Both are empty when nobody said where they are; `folder` and `machine` are then what there is to copy.
    """

    folder: PurePath
    machine: str = ""
    report: str = ""
    ticket: Callable[[str], str] = lambda _reference: ""

    @property
    def html(self) -> str:
        """Where the report is: an address when there is one, otherwise its path."""
        return f"{self.report}/report.html" if self.report else str(self.folder / "report.html")


@dataclass(frozen=True, slots=True)
class Shown:
    """One table of results with the sentence over it."""

    family: Family
    description: str
    rows: list[dict[str, str]]


def list_families(report: CampaignReport) -> tuple[Shown, ...]:
    """Return one table for each family that was planned, what went wrong first."""
    scenarios = {found.id: found for found in report.run.plan.scenarios}
    seconds = {result.scenario_id: result.duration_seconds for result in report.run.results}
    shown = []
    for family in Family:
        findings = [one for one in report.assessment.findings if scenarios[one.scenario_id].family is family]
        if findings:
            findings.sort(key=lambda one: _rank(one, scenarios[one.scenario_id]))
            rows = [_describe(one, scenarios[one.scenario_id], seconds) for one in findings]
            shown.append(Shown(family, f"{labels.FAMILIES[family]} — {count_outcomes(findings)}", rows))
    return tuple(shown)


def _rank(finding: Finding, scenario: Scenario) -> tuple[int, int, int]:
    return (
        OUTCOME_ORDER.index(finding.outcome),
        CHANGE_ORDER.index(finding.change),
        list(Criticality).index(scenario.criticality),
    )


# Prefect folds no line in a table: what is short comes first, what scrolls away comes last.
def _describe(finding: Finding, scenario: Scenario, seconds: dict[str, float]) -> dict[str, str]:
    outcome = labels.OUTCOMES[finding.outcome]
    known = finding.scenario_id in seconds
    return {
        "Id": escape(finding.scenario_id),
        "Résultat": escape(f"{outcome.sign} {outcome.text}"),
        "Évolution": labels.CHANGES[finding.change].text,
        "Criticité": labels.CRITICALITIES[scenario.criticality],
        "Durée": text.format_elapsed(seconds[finding.scenario_id]) if known else text.NOT_KNOWN,
        "Scénario": escape(scenario.title, TITLE_CHARACTERS),
        "Commentaire": escape(finding.note, COMMENT_CHARACTERS),
    }


def count_outcomes(findings: list[Finding]) -> str:
    """Return how many there are of each outcome, worst first: « 2 KO, 30 OK »."""
    counts = {outcome: sum(one.outcome is outcome for one in findings) for outcome in OUTCOME_ORDER}
    words = {outcome: labels.OUTCOMES[outcome].text for outcome in counts}
    return ", ".join(
        f"{count} {words[outcome] if words[outcome].isupper() else words[outcome].lower()}"
        for outcome, count in counts.items()
        if count
    )


def describe_verdict(report: CampaignReport, links: Links) -> str:
    """Return the verdict as Markdown: reasons, what regressed and why, what is known, and where the report is."""
    assessment, plan = report.assessment, report.run.plan
    bad = [one for one in assessment.findings if not one.outcome.is_good]
    regressed = [one for one in assessment.findings if one.change is Change.REGRESSION]
    known = [one for one in bad if one.waiver is not None and one.outcome is Outcome.DEROGATION]
    others = [one for one in bad if one not in known and one not in regressed]
    triage = {found.scenario_id: found for found in report.triage}
    titles = {found.id: found.title for found in plan.scenarios}
    lines = [f"# {name_verdict(assessment.verdict)}", "", describe_campaign(report, links), ""]
    reasons = [escape(reason, REASON_CHARACTERS) for reason in assessment.reasons]
    lines += [*bullets(reasons, ITEMS), ""]
    for title, found in (("Régressions", regressed), ("Autres écarts", others)):
        if found:
            told = [_tell(one, titles, links, triage.get(one.scenario_id)) for one in found]
            lines += [f"## {title} ({len(found)})", "", *bullets(told, ITEMS), ""]
    if regressed or others:
        lines += [f"Suivi des écarts : ticket {link(plan.ticket, links.ticket(plan.ticket))}.", ""]
    if known:
        told = [_tell(one, titles, links, None) for one in known]
        lines += [f"## Échecs connus ({len(known)})", "", *bullets(told, ITEMS), ""]
    lines += ["## Rapport", "", *say_where(links)]
    return "\n".join(lines) + "\n"


def name_verdict(verdict: Verdict) -> str:
    """Return the verdict as it is read: « OK avec réserves »."""
    return labels.VERDICTS[verdict].text


def describe_campaign(report: CampaignReport, links: Links) -> str:
    """Return what was tried, when and for which ticket, in one line."""
    plan = report.run.plan
    families = ", ".join(family.name for family in Family if family in plan.families)
    return " · ".join(
        (
            escape(plan.platform.title),
            f"version {escape(plan.platform.application_version)}",
            text.format_day(report.run.started_at),
            families,
            f"ticket {link(plan.ticket, links.ticket(plan.ticket))}",
        )
    )


def _tell(finding: Finding, titles: dict[str, str], links: Links, triage: Triage | None) -> str:
    name = f"**{escape(finding.scenario_id)}** {escape(titles[finding.scenario_id], TITLE_CHARACTERS)}"
    cause = f" — cause présumée : **{labels.CAUSES[triage.cause].lower()}**" if triage is not None else ""
    note = f". {escape(finding.note, COMMENT_CHARACTERS)}" if finding.note else ""
    return f"{name} : {labels.OUTCOMES[finding.outcome].text}{cause}{_tell_waiver(finding, links)}{note}"


def _tell_waiver(finding: Finding, links: Links) -> str:
    waiver = finding.waiver
    if waiver is None:
        return ""
    ended = "échéance" if finding.outcome is Outcome.DEROGATION else "**échue** le"
    ticket = link(waiver.ticket, links.ticket(waiver.ticket))
    until = text.format_day(waiver.expires_at)
    return f" — dérogation {escape(waiver.decision)}, ticket {ticket}, {ended} {until}"


def say_where(links: Links) -> list[str]:
    """Return links to the report, or what to copy: browsers follow no link to a file from a page of a server."""
    if links.report:
        return [f"[Rapport de tests A.2]({links.html}) · [PDF]({links.report}/report.pdf)"]
    paths = "\n".join(str(links.folder / name) for name in ("report.html", "report.pdf"))
    return [_say_copy("Rapport de tests A.2", links), "", *fence(paths)]


def say_file(name: str, words: str, links: Links) -> list[str]:
    """Return a link to one file of the folder, or what to copy."""
    if links.report:
        return [link(words, f"{links.report}/{name}")]
    return [_say_copy(escape(words), links), "", *fence(str(links.folder / name))]


def _say_copy(words: str, links: Links) -> str:
    where = f" (machine {escape(links.machine)})" if links.machine else ""
    return f"{words}, à ouvrir depuis son dossier{where} :"


def summarise(report: CampaignReport, links: Links) -> str:
    """Return the verdict in one sentence, and where the report is."""
    return f"{explain_shortly(report)} — rapport {links.html}"


def explain_shortly(report: CampaignReport) -> str:
    """Return the verdict with what it is due to: « KO — 2 régressions : HD-009, HD-011b »."""
    assessment = report.assessment
    regressed = [one.scenario_id for one in assessment.findings if one.change is Change.REGRESSION]
    if regressed:
        why = (
            f"{text.plural(len(regressed), 'régression', 'régressions')} : "
            f"{text.name_ids(regressed, IDS_IN_SENTENCE, 'voir le rapport')}"
        )
    else:
        first = assessment.reasons[0] if assessment.reasons else "aucun motif enregistré"
        why = text.shorten(text.show_unprintable(first).rstrip("."), SENTENCE_CHARACTERS, "voir le rapport")
    return f"{name_verdict(assessment.verdict)} — {why}"
