"""The first pages: what the campaign was, how it ended, and above all what was not checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nonreg.model import CampaignReport, Criticality, Family, GuardStatus, Outcome
from reports import front, labels, text
from reports.case import Case
from reports.document import (
    Block,
    Cell,
    Column,
    Figures,
    Pairs,
    Paragraph,
    Section,
    Table,
    shorten_on_paper,
)
from reports.drill_approval import say_approved, say_platform_state
from reports.reserves import UNCHECKED

REASONS_ON_FRONT = 5
ROWS_ON_FRONT = 9  # of all tables together; each may take three lines
MOTIVE_CHARACTERS = 240
MOTIVES_ON_PAPER = 100


def describe_alerts(report: CampaignReport) -> tuple[Paragraph, ...]:
    """Return what must be read before the verdict: interrupted, partial, platform restored or not left as found."""
    return (*_say_interruption(report), *say_platform_state(report), *_say_partial(report))


def _say_interruption(report: CampaignReport) -> list[Paragraph]:
    run = report.run
    if run.ended_at is not None and not run.interruption:
        return []
    why = text.go_on(run.interruption) or "cause non enregistrée"
    cause = text.shorten(why, MOTIVE_CHARACTERS, "voir § 2")
    started = text.format_moment(run.started_at)
    end = f"terminée le {text.format_moment(run.ended_at)}" if run.ended_at else "sans fin enregistrée"
    said = (
        f"Campagne interrompue : {cause}. Commencée le {started}, {end}. "
        "Ce rapport est établi sur ce qui a été enregistré avant l'interruption."
    )
    return [Paragraph(said, "ko", "✗")]


def _say_partial(report: CampaignReport) -> list[Paragraph]:
    plan = report.run.plan
    left_out = len(plan.effects_left_out)
    if not plan.selection and set(plan.families) == set(Family) and not left_out:
        return []
    families = ", ".join(family.name for family in Family if family in plan.families)
    apart = "sans " + text.plural(left_out, "scénario qui écrit", "scénarios qui écrivent")
    said = (
        f"Campagne partielle : familles {text.known(families)}, sélection "
        f"{text.shorten(say_selection(plan.selection), 160, 'voir § 2')}"
        f"{f', en lecture seule, {apart}' if left_out else ''}. "
        f"Le verdict ne vaut que pour {text.plural(len(plan.scenarios), 'scénario', 'scénarios')}."
    )
    return [Paragraph(said, "warn", "!")]


def say_selection(selection: str) -> str:
    """Return the patterns that were asked for; none means everything."""
    return f"« {selection} »" if selection.strip() else "tous les scénarios"


def shorten_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the reasons that fit under the verdict, and how many more there are."""
    shown = [text.shorten(reason, MOTIVE_CHARACTERS, "voir § 8") for reason in reasons[:REASONS_ON_FRONT]]
    left = len(reasons) - len(shown)
    if left > 0:
        shown.append(f"… {text.plural(left, 'autre motif', 'autres motifs')}, voir § 8.")
    return tuple(shown) or ("Aucun motif enregistré.",)


def describe_metadata(report: CampaignReport) -> Section:
    """Return the identity of the campaign."""
    plan, platform = report.run.plan, report.run.plan.platform
    tickets = [*dict.fromkeys((plan.ticket, *report.tickets))]
    items = (
        ("Plateforme", f"{text.known(platform.title)} ({text.known(platform.name)})"),
        ("Nature", labels.NATURES[platform.nature]),
        ("Version testée", text.known(platform.application_version)),
        ("Date", text.format_moment(report.run.started_at)),
        ("Jeu de données", text.known(platform.dataset)),
        ("Référence", _name_reference(report)),
        ("Tickets", text.join_words(tickets)),
        ("Opérateur", text.known(plan.operator)),
        ("Sites", text.join_words(platform.sites)),
        ("Campagne", text.known(plan.campaign_id)),
        ("Exécution", text.known(plan.run_id)),
        ("Outil", f"version {text.known(plan.tool_version)}, commit {text.known(plan.tool_commit)}"),
        ("Rapport généré le", text.format_moment(report.generated_at)),
    )
    short = tuple((label, text.shorten(value, 160, "voir la source JSON")) for label, value in items)
    command = text.shorten(text.known(plan.command), 300, "voir § 9")
    return Section("metadonnees", "Métadonnées", (Pairs(short, (("Commande de génération", command),)),))


def _name_reference(report: CampaignReport) -> str:
    baseline = report.basis.baseline
    if baseline is None:
        return "aucune promue (§ 1bis)"
    return f"n° {baseline.number}, version {text.known(baseline.application_version)} (§ 1bis)"


def summarise(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return chapter 1: figures, what regressed, what is waived, what was not checked, counts per nature."""
    regressions = front.find_regressions(cases)
    regressed, waived = front.list_regressions(regressions), front.list_waivers(report, cases)
    unchecked = [case for case in cases if case.outcome in UNCHECKED or case.is_missing]
    groups = _list_unchecked(unchecked)
    refused = _list_stopping_guards(report)
    blocks: list[Block] = [_count_outcomes(report, cases), Paragraph(_explain_counts(cases))]
    blocks += say_approved(report)
    if refused.rows:
        blocks.append(refused)
    if len(refused.rows) + len(regressed.rows) + len(waived.rows) + len(groups.rows) > ROWS_ON_FRONT:
        # Too much for one page: everything is named first, the tables follow.
        blocks += [front.name_regressions(regressions)] if regressions else []
        blocks += [front.name_waivers(report)] if waived.rows else []
        blocks += [_name_unchecked(unchecked)] if unchecked else []
    blocks += [
        regressed,
        *front.say_other_failures(cases, regressions),
        waived,
        groups,
        _count_natures(report),
    ]
    return Section("synthese", "1. Synthèse", tuple(blocks))


def _count(cases: Sequence[Case], *outcomes: Outcome) -> int:
    return sum(case.outcome in outcomes for case in cases)


def _count_outcomes(report: CampaignReport, cases: Sequence[Case]) -> Figures:
    failed, not_run = _count(cases, Outcome.KO), _count(cases, Outcome.NON_EXECUTE)
    blocking = sum(case.outcome is Outcome.KO and case.is_blocking for case in cases)
    unclear = _count(cases, Outcome.INCONCLUSIF)
    executed = len(cases) - not_run - _count(cases, Outcome.NON_APPLICABLE)
    run = report.run
    lasted = (run.ended_at - run.started_at).total_seconds() if run.ended_at else None
    return Figures(
        (
            (str(executed), "exécutés", ""),
            (str(_count(cases, Outcome.OK)), "réussis", "ok"),
            (str(failed), "échoués", "ko" if failed else ""),
            (str(blocking), "dont bloquants", "ko" if blocking else ""),
            (str(not_run), "non exécutés", "warn" if not_run else ""),
            (str(unclear), "inconclusifs", "warn" if unclear else ""),
            (text.NOT_KNOWN if lasted is None else text.format_duration(lasted), "durée (hh:mm:ss)", ""),
        )
    )


def _explain_counts(cases: Sequence[Case]) -> str:
    """Return how the figures add up, so that the reader can check that nothing is left out."""
    skipped = Outcome.NON_EXECUTE, Outcome.NON_APPLICABLE
    executed = len(cases) - _count(cases, *skipped)
    planned = text.plural(len(cases), "scénario prévu", "scénarios prévus")
    whole = [
        text.plural(executed, "exécuté", "exécutés"),
        text.plural(_count(cases, Outcome.NON_EXECUTE), "non exécuté", "non exécutés"),
        text.plural(_count(cases, Outcome.NON_APPLICABLE), "non applicable", "non applicables"),
    ]
    parts = [
        text.plural(_count(cases, Outcome.OK), "réussi", "réussis"),
        text.plural(_count(cases, Outcome.KO), "échoué", "échoués"),
        text.plural(_count(cases, Outcome.INCONCLUSIF), "inconclusif", "inconclusifs"),
        text.plural(_count(cases, Outcome.MESURE), "mesure non jugée", "mesures non jugées"),
        text.plural(_count(cases, Outcome.DEROGATION), "dérogation", "dérogations"),
    ]
    return f"{planned} = {' + '.join(whole)}. {whole[0]} = {' + '.join(parts)}."


def _list_stopping_guards(report: CampaignReport) -> Table:
    fine = (GuardStatus.PASSED, GuardStatus.NOT_APPLICABLE)
    rows = tuple(
        (Cell(f"{guard.id} {guard.title}"), labels.GUARDS[guard.status], Cell(_cut(guard.message)))
        for guard in report.run.guards
        if guard.status not in fine
    )
    columns = (Column("Garde", 30), Column("Réponse", 15), Column("Motif", 55))
    return Table("Gardes qui ont arrêté la campagne", columns, rows)


def _list_unchecked(unchecked: Sequence[Case]) -> Table:
    """Return what was not executed or could not be judged; one row per motive, so that it fits page 1."""
    groups: dict[tuple[Cell, str], list[Case]] = {}
    for case in unchecked:
        groups.setdefault((case.label, case.explain()), []).append(case)
    order = list(Criticality)
    worst_first = sorted(
        groups.items(), key=lambda group: min(order.index(case.scenario.criticality) for case in group[1])
    )
    rows = tuple((label, _name_cases(group), Cell(_cut(why))) for (label, why), group in worst_first)
    columns = (Column("Résultat", 15), Column("Scénarios", 40), Column("Motif", 45))
    table = Table(
        "Scénarios non exécutés, inconclusifs ou sans résultat",
        columns,
        rows,
        empty="Aucun scénario non exécuté, inconclusif ou sans résultat.",
    )
    return shorten_on_paper(table, MOTIVES_ON_PAPER, "voir § 3")


def _name_unchecked(unchecked: Sequence[Case]) -> Paragraph:
    names = text.name_ids([case.scenario.id for case in unchecked], front.IDS_ON_FRONT, "voir plus bas")
    said = text.plural(len(unchecked), "scénario non vérifié", "scénarios non vérifiés")
    return Paragraph(f"{said} : {names}.", "warn", "○")


def tally(shown: Sequence[Cell], one: str, many: str) -> str:
    """Return how many there are of each word, e.g. "16 scénarios : 15 OK, 1 KO"."""
    counts = Counter(cell.text for cell in shown)
    return f"{text.plural(len(shown), one, many)} : " + ", ".join(
        f"{n} {word if word.isupper() else word.lower()}" for word, n in counts.items()
    )


def _name_cases(group: Sequence[Case]) -> Cell:
    if len(group) == 1:
        scenario = group[0].scenario
        criticality = labels.CRITICALITIES[scenario.criticality].lower()
        return Cell(f"{scenario.id} {text.shorten(scenario.title, 120, 'voir § 3')} ({criticality})")
    blocking = sum(case.is_blocking for case in group)
    many = f"{len(group)} scénarios, dont {text.plural(blocking, 'bloquant', 'bloquants')}"
    names = text.name_ids([case.scenario.id for case in group], front.IDS_ON_FRONT, "voir § 3")
    return Cell(f"{names} ({many})")


def _cut(message: str) -> str:
    return text.shorten(message, MOTIVE_CHARACTERS, "voir la suite du rapport")


def _count_natures(report: CampaignReport) -> Table:
    columns = (
        Column("Nature des tests", 34),
        Column("Prévus", 9, numeric=True),
        Column("Réussis", 9, numeric=True),
        Column("Échoués", 9, numeric=True),
        Column("Autres", 9, numeric=True),
        Column("Remarque", 30),
    )
    rows = tuple(
        (
            Cell(count.nature),
            *(Cell(str(n)) for n in (count.planned, count.passed, count.failed, count.other)),
            Cell(_cut(count.note)),
        )
        for count in report.counts
    )
    return Table("Décompte par nature", columns, rows, empty="Aucun décompte par nature : n.d.")
