"""What the verdict means in one sentence, what tempers it, and what only has to be known."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import CampaignReport, Change, Criticality, Outcome, Verdict
from reports import front, labels, text
from reports.case import Case
from reports.document import Items

UNCHECKED = (Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)
SAID_CHARACTERS = 4_000
WHY_CHARACTERS = 400
GROUPS_SHOWN = 200


def say_conclusion(report: CampaignReport, cases: Sequence[Case]) -> str:
    """Return what the verdict means, made from what was found: it claims nothing that was not checked."""
    verdict = report.assessment.verdict
    if verdict is Verdict.KO:
        failed = sum(case.outcome is Outcome.KO for case in cases)
        causes = [text.plural(failed, "contrôle en échec", "contrôles en échec")] if failed else []
        return _deny(causes)
    if verdict is Verdict.INCOMPLET:
        return _deny(_say_incomplete(report, cases))
    said = [*_say_regressions(report, cases), *_say_waived(cases)]
    minor = sum(case.outcome in UNCHECKED for case in cases)
    if minor:
        said.append(f"{text.plural(minor, 'contrôle mineur non jugé', 'contrôles mineurs non jugés')}.")
    if verdict is Verdict.OK_AVEC_RESERVES:
        said.append("Les réserves sont à examiner (§ 8).")
    return " ".join(said)


def _deny(causes: Sequence[str]) -> str:
    return f"La non-régression n'est pas établie : {' ; '.join(causes) or 'voir les motifs'}."


def _say_incomplete(report: CampaignReport, cases: Sequence[Case]) -> list[str]:
    causes = []
    run = report.run
    if run.ended_at is None or run.interruption or any(guard.status.stops for guard in run.guards):
        causes.append("la campagne n'est pas allée à son terme")
    unchecked = sum(
        case.outcome in UNCHECKED and case.scenario.criticality is not Criticality.MINEURE for case in cases
    )
    if unchecked:
        one, many = "contrôle bloquant ou majeur non jugé", "contrôles bloquants ou majeurs non jugés"
        causes.append(text.plural(unchecked, one, many))
    removed = len(report.assessment.removed)
    if removed:
        one, many = "scénario de la référence absent du plan", "scénarios de la référence absents du plan"
        causes.append(text.plural(removed, one, many))
    return causes


def _say_regressions(report: CampaignReport, cases: Sequence[Case]) -> list[str]:
    if report.basis.baseline is None:
        compared = (
            "seules les campagnes passées sont comparées"
            if report.basis.history.runs
            else "il n'y a rien à quoi comparer"
        )
        return [f"Aucune référence promue : la non-régression n'est pas établie, {compared}."]
    regressions = front.find_regressions(cases)
    if not regressions:
        return ["Aucune régression constatée sur le périmètre exécuté."]
    bare = sum(case.outcome is not Outcome.DEROGATION for case in regressions)
    return [f"{text.plural(bare, 'régression', 'régressions')} sans dérogation."] if bare else []


def _say_waived(cases: Sequence[Case]) -> list[str]:
    waived = [case for case in cases if case.outcome is Outcome.DEROGATION]
    if not waived:
        return []
    regressed = len(front.find_regressions(waived))
    also = f", dont {text.plural(regressed, 'régression', 'régressions')}" if regressed else ""
    count = text.plural(len(waived), "échec couvert", "échecs couverts")
    return [f"{count} par une dérogation{also}."]


def list_reserves(report: CampaignReport, cases: Sequence[Case]) -> Items:
    """Return what tempers the verdict: the reference, then doubts, waivers and instability with their reasons."""
    told = [
        case
        for case in cases
        if case.outcome in (Outcome.DEROGATION, *UNCHECKED)
        or case.finding.change in (Change.UNSTABLE, Change.SLOWER)
    ]
    reserves = [text.shorten(said, SAID_CHARACTERS) for said in report.assessment.reserves]
    reserves += _group(told, "autre réserve", "autres réserves")
    if report.run.plan.platform.nature.value != "TEST":
        reserves.append("La plateforme n'est pas une plateforme de test.")
    return Items("Réserves", tuple(reserves), empty="Aucune réserve.")


def list_remarks(report: CampaignReport, cases: Sequence[Case]) -> Items:
    """Return what is no reserve and has to be known: what does not apply, what has no limit, first slowness."""
    none = [case for case in cases if case.outcome is Outcome.NON_APPLICABLE]
    remarks = _group(none, "autre remarque", "autres remarques")
    free = sum(m.limit is None for case in cases if case.result for m in case.result.measures)
    if free:
        one, many = "mesure sans limite convenue : non jugée", "mesures sans limite convenue : non jugées"
        remarks.append(f"{text.plural(free, one, many)}.")
    once = sum(len(case.finding.to_confirm) for case in cases)
    if once:
        many = text.plural(once, "durée au-dessus de sa borne", "durées au-dessus de leur borne")
        remarks.append(f"{many} pour la première fois, à confirmer (§ 1bis).")
    return Items("Remarques", tuple(remarks), empty="Aucune remarque.")


def _group(cases: Sequence[Case], one: str, many: str) -> list[str]:
    """Return one line for all the scenarios of which the same is said."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        is_named = case.outcome is Outcome.DEROGATION or not case.outcome.is_passed
        word = case.label.text if is_named else labels.CHANGES[case.finding.change].text
        why = text.shorten(" ".join(case.explain().split()), WHY_CHARACTERS, "voir § 3")
        groups.setdefault(f"{word.lower()}. {why}".strip(), []).append(case.scenario.id)
    lines = [f"{text.name_ids(ids, front.IDS_ON_FRONT, 'voir § 3')} : {said}" for said, ids in groups.items()]
    left = len(lines) - GROUPS_SHOWN
    return [*lines[:GROUPS_SHOWN], f"… {text.plural(left, one, many)}, voir § 3."] if left > 0 else lines
