"""The first pages: what the campaign was, how it ended, and above all what was not checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nonreg.model import CampaignReport, Change, Criticality, GuardStatus, Outcome
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Column, Figures, Items, Pairs, Paragraph, Section, Table

REASONS_ON_FRONT = 5
GROUPS_ON_FRONT = 8
MOTIVE_CHARACTERS = 240
UNCHECKED = (Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)


def describe_alerts(report: CampaignReport) -> tuple[str, ...]:
    """Return what must be read before the verdict: here, that the run was interrupted."""
    run = report.run
    if run.ended_at is not None and not run.interruption:
        return ()
    cause = text.shorten(run.interruption or "cause non enregistrée", MOTIVE_CHARACTERS, "voir § 2")
    started = text.format_moment(run.started_at)
    end = f"terminée le {text.format_moment(run.ended_at)}" if run.ended_at else "sans fin enregistrée"
    return (
        f"Campagne interrompue : {cause}. Commencée le {started}, {end}. "
        "Ce rapport est établi sur ce qui a été enregistré avant l'interruption.",
    )


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
        ("Référence", text.known(platform.baseline)),
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


def summarise(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return chapter 1: figures, then everything that was not checked, then counts per nature."""
    blocks: list[Block] = [_count_outcomes(report, cases), Paragraph(_explain_counts(cases))]
    refused = _list_stopping_guards(report)
    if refused.rows:
        blocks.append(refused)
    blocks += [*_list_unchecked(cases), _count_natures(report)]
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


def _list_unchecked(cases: Sequence[Case]) -> list[Block]:
    """Return what was not executed or could not be judged; one row per motive, so that it fits page 1."""
    unchecked = [case for case in cases if case.outcome in UNCHECKED or case.is_missing]
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
    if len(groups) <= GROUPS_ON_FRONT:
        return [table]
    names = ", ".join(case.scenario.id for case in unchecked)
    said = text.plural(len(unchecked), "scénario non vérifié", "scénarios non vérifiés")
    return [Paragraph(f"{said} : {names}.", "warn", "○"), table]


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
    return Cell(f"{', '.join(case.scenario.id for case in group)} ({many})")


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


def compare_with_baseline(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return chapter 1bis: what changed since the baseline, and every figure taken with its limit."""
    tally = [(labels.CHANGES[c], sum(case.finding.change is c for case in cases)) for c in Change]
    said = ", ".join(f"{name.lower()} : {count}" for name, count in tally if count)
    has_reference = any(case.finding.before for case in cases)
    # Without a reference everything is new: a table of it would say nothing more.
    quiet = (Change.SAME, Change.MISSING) if has_reference else (Change.SAME, Change.MISSING, Change.NEW)
    rows = tuple(
        (
            Cell(case.scenario.id),
            labels.OUTCOMES[case.finding.before] if case.finding.before else Cell(text.NOT_KNOWN),
            case.label,
            Cell(labels.CHANGES[case.finding.change]),
            Cell(text.shorten(case.finding.note, 400)),
        )
        for case in cases
        if case.finding.change not in quiet
    )
    missing = any(case.is_missing for case in cases)
    columns = (
        Column("Scénario", 12),
        Column("Référence", 15),
        Column("Cette fois", 15),
        Column("Évolution", 15),
        Column("Note", 43),
    )
    changes = Table(
        "Évolutions par rapport à la référence (baseline)",
        columns,
        rows,
        empty="Aucune autre évolution." if missing else "Aucune évolution.",
        note="Les scénarios sans résultat sont au § 1." if missing else "",
    )
    without = "" if has_reference else " La référence ne contient pas de résultats antérieurs."
    blocks = (Paragraph(f"Évolutions : {said or 'aucune'}.{without}"), changes, list_measures(cases))
    return Section("baselines", "1bis. Baselines et écarts", blocks)


def list_measures(cases: Sequence[Case], caption: str = "Mesures") -> Table:
    """Return every measure with its unit and its agreed limit, if there is one."""
    rows = tuple(
        (
            Cell(case.scenario.id),
            Cell(text.shorten(measure.name, 120)),
            Cell(text.format_quantity(measure.value, measure.unit)),
            Cell(
                "sans limite convenue"
                if measure.limit is None
                else text.format_quantity(measure.limit, measure.unit)
            ),
            case.label,
        )
        for case in cases
        if case.result
        for measure in case.result.measures
    )
    columns = (
        Column("Scénario", 12),
        Column("Mesure", 38),
        Column("Valeur", 16, numeric=True),
        Column("Limite convenue", 18),
        Column("Résultat", 16),
    )
    return Table(caption, columns, rows, empty="Aucune mesure enregistrée.")


def list_reserves(report: CampaignReport, cases: Sequence[Case]) -> Items:
    """Return what tempers the verdict: waivers, doubts, instability, figures nobody set a limit for."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        if case.outcome in (Outcome.DEROGATION, Outcome.NON_APPLICABLE, *UNCHECKED) or case.is_missing:
            word = case.label.text
        elif case.finding.change in (Change.UNSTABLE, Change.SLOWER):
            word = labels.CHANGES[case.finding.change]
        else:
            continue
        why = text.shorten(" ".join(case.explain().split()), 400, "voir § 3")
        groups.setdefault(f"{word.lower()}. {why}".strip(), []).append(case.scenario.id)
    reserves = [f"{', '.join(ids)} : {said}" for said, ids in groups.items()]
    free = sum(m.limit is None for case in cases if case.result for m in case.result.measures)
    if free:
        reserves.append(f"{text.plural(free, 'mesure', 'mesures')} sans limite convenue : non jugées.")
    if report.run.plan.platform.nature.value != "TEST":
        reserves.append("La plateforme n'est pas une plateforme de test.")
    return Items("Réserves", tuple(reserves), empty="Aucune réserve.")
