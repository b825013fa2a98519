"""The chapters a reader goes to for detail: scope, results, high availability, environment."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import CampaignPlan, CampaignReport, Family
from reports import labels, text
from reports.case import Case, find_unplanned
from reports.document import Block, Cell, Column, Items, Names, Pairs, Paragraph, Section, Table
from reports.reference import ROWS_ON_PAPER, is_long, list_measures, say_attempts
from reports.summary import say_selection, tally

COMMENT_CHARACTERS = 600
TITLE_CHARACTERS = 300
LINE_CHARACTERS = 160
SCOPE_SUBJECT = "Périmètre"  # facts of this subject say what is real and what is simulated


def describe_scope(report: CampaignReport) -> Section:
    """Return chapter 2: what was selected, where, what is real or simulated, and how the run went."""
    run, plan = report.run, report.run.plan
    counts = [
        f"{labels.FAMILIES[family]} : "
        + text.plural(sum(s.family is family for s in plan.scenarios), "scénario", "scénarios")
        for family in Family
        if family in plan.families
    ]
    left_out = [labels.FAMILIES[family] for family in Family if family not in plan.families]
    ended = text.format_moment(run.ended_at) if run.ended_at else f"{text.NOT_KNOWN} (fin non enregistrée)"
    exit_code = (
        f"{text.NOT_KNOWN} (pytest n'a pas terminé)"
        if run.pytest_exit is None
        else labels.PYTEST_EXITS.get(run.pytest_exit, str(run.pytest_exit))
    )
    items = (
        ("Familles", " ; ".join(counts) or text.NOT_KNOWN),
        ("Hors périmètre", " ; ".join(left_out) or "aucune famille"),
        ("Sélection", say_selection(plan.selection)),
        ("Effets permis", labels.EFFECT_LIMITS[plan.effects]),
        *_say_left_out(plan),
        ("Sites", text.join_words(plan.platform.sites)),
        ("Plan établi le", text.format_moment(plan.created_at)),
        ("Début", text.format_moment(run.started_at)),
        ("Fin", ended),
        ("Sortie de pytest", exit_code),
        ("Interruption", run.interruption or ("aucune" if run.ended_at else text.NOT_KNOWN)),
    )
    scope = tuple(
        (Cell(fact.name), Cell(text.known(fact.value))) for fact in run.facts if fact.subject == SCOPE_SUBJECT
    )
    real = Table(
        "Ce qui est réel, ce qui est simulé",
        (Column("Élément", 30), Column("Réel ou simulé", 70)),
        scope,
        empty="Part du réel et du simulé : n.d.",
    )
    return Section("perimetre", "2. Périmètre et déroulement", (Pairs(items), real))


def _say_left_out(plan: CampaignPlan) -> list[tuple[str, str]]:
    """What the campaign was not allowed to execute, by name."""
    if not plan.effects_left_out:
        return []
    return [("Laissés de côté, car ils écrivent", ", ".join(plan.effects_left_out))]


def detail_results(report: CampaignReport, cases: Sequence[Case]) -> tuple[Section, ...]:
    """Return chapter 3: a table per family, every planned scenario in it, then what nobody planned."""
    sections: list[Section] = []
    for family in Family:
        own = [case for case in cases if case.scenario.family is family]
        if own:
            name = labels.FAMILIES[family]
            table = _list_family(own, is_long(cases))
            sections.append(Section(f"resultats-{family.value.lower()}", name, (table,), 2))
    strays = find_unplanned(report)
    if strays:
        table = Table(
            "Résultats enregistrés hors du plan",
            (Column("Id", 15), Column("Résultat", 20), Column("Commentaire", 65)),
            tuple((Cell(r.scenario_id), labels.OUTCOMES[r.outcome], _comment(r.message)) for r in strays),
            note="Ces résultats ne comptent pas dans le verdict.",
        )
        sections.append(Section("resultats-hors-plan", "Hors plan", (table,), 2))
    intro = "" if cases else "Aucun scénario prévu."
    first = Section("resultats", "3. Résultats détaillés", (Paragraph(intro),) if intro else ())
    return (first, *sections)


def _list_family(cases: Sequence[Case], is_long_report: bool) -> Table:
    columns = (
        Column("Id", 11),
        Column("Titre", 25),
        Column("Criticité", 11),
        Column("Résultat", 15),
        Column("Durée", 9, numeric=True),
        Column("Commentaire", 27),
        Column("Exigences", 11),
    )
    caption = tally([case.label for case in cases], "scénario", "scénarios")
    short: tuple[Block, ...] = ()
    if is_long_report:
        told = [case for case in cases if not case.is_quiet]
        head = f"{caption}. À signaler : {len(told)}"
        table: Block = (
            Table(head, columns, tuple(_detail_case(case) for case in told), empty=f"{caption}.")
            if len(told) <= ROWS_ON_PAPER
            else Items(head, tuple(_say_case(case) for case in told), small=True)
        )
        said = (
            "Les scénarios bons et inchangés sont nommés ici par résultat ; titre, durée et exigences de chacun "
            "sont dans le rapport HTML et dans la source JSON."
        )
        short = (table, Paragraph(said), *_name_quiet(cases))
    return Table(caption, columns, tuple(_detail_case(case) for case in cases), on_paper=short)


def _name_quiet(cases: Sequence[Case]) -> list[Names]:
    """Return the ids of what is good and unchanged, by outcome."""
    groups: dict[Cell, list[str]] = {}
    for case in cases:
        if case.is_quiet:
            groups.setdefault(case.label, []).append(case.scenario.id)
    return [
        Names(f"{label.sign} {label.text} ({text.format_number(len(ids))}) :", tuple(ids))
        for label, ids in groups.items()
    ]


def _detail_case(case: Case) -> tuple[Cell, ...]:
    scenario, result, finding = case.scenario, case.result, case.finding
    comment = case.explain()
    if finding.change.value not in ("SAME", "MISSING"):
        before = f" (avant : {labels.OUTCOMES[finding.before].text})" if finding.before else ""
        comment += f"\n{labels.CHANGES[finding.change].text}{before}."
    if len(case.attempts) > 1:
        comment += f"\n{say_attempts(case)}."
    started = result is not None and result.started_at is not None
    return (
        Cell(scenario.id),
        Cell(text.shorten(scenario.title, TITLE_CHARACTERS)),
        _CRITICALITIES[scenario.criticality],
        case.label,
        Cell(text.format_elapsed(result.duration_seconds) if result and started else text.NOT_KNOWN),
        _comment(comment.strip()),
        Cell(", ".join(scenario.requirement_ids)),
    )


def _say_case(case: Case) -> str:
    """Return one line, where there are so many scenarios to tell that a table of them could not be set."""
    scenario, change = case.scenario, labels.CHANGES[case.finding.change].text
    title, why = (text.shorten(said, LINE_CHARACTERS, "…") for said in (scenario.title, case.explain()))
    return (
        f"{scenario.id} {case.label.sign} {case.label.text} ({labels.CRITICALITIES[scenario.criticality].lower()}, "
        f"{change.lower()}) : {title}. {' '.join(why.split())}"
    )


_CRITICALITIES = {criticality: Cell(word) for criticality, word in labels.CRITICALITIES.items()}


def _comment(message: str) -> Cell:
    return Cell(text.shorten(message, COMMENT_CHARACTERS))


def check_high_availability(cases: Sequence[Case]) -> Section:
    """Return chapter 5: replication, latency, switchover and supervision at a glance."""
    ha = [case for case in cases if case.scenario.family is Family.HD]
    columns = (Column("Id", 12), Column("Contrôle", 50), Column("Criticité", 18), Column("Résultat", 20))
    caption = tally([case.label for case in ha], "contrôle", "contrôles")
    short: tuple[Block, ...] = ()
    if is_long(cases):
        told = [case for case in ha if not case.is_quiet]
        note = f"{text.plural(len(ha) - len(told[:ROWS_ON_PAPER]), 'autre contrôle', 'autres contrôles')}, voir § 3."
        rows = _list_checks(told[:ROWS_ON_PAPER])
        short = (Table(caption, columns, rows, empty=f"{caption}.", note=note),)
    empty = "Aucun contrôle HD dans cette campagne."
    table = Table(caption, columns, _list_checks(ha), empty=empty, on_paper=short if ha else ())
    blocks = (table, list_measures(ha, "Mesures HD", is_long(cases))) if ha else (table,)
    return Section("controles-hd", "5. Contrôles HD", blocks)


def _list_checks(cases: Sequence[Case]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (
            Cell(case.scenario.id),
            Cell(text.shorten(case.scenario.title, TITLE_CHARACTERS)),
            _CRITICALITIES[case.scenario.criticality],
            case.label,
        )
        for case in cases
    )


def describe_environment(report: CampaignReport) -> Section:
    """Return chapter 6: the environment as it was read, not as it was believed to be."""
    columns = (Column("Sujet", 22), Column("Élément", 28), Column("Valeur", 50))
    rows = tuple(
        (Cell(fact.subject), Cell(fact.name), Cell(text.shorten(text.known(fact.value), COMMENT_CHARACTERS)))
        for fact in report.run.facts
        if fact.subject != SCOPE_SUBJECT
    )
    caption = text.plural(len(rows), "élément relevé", "éléments relevés")
    table = Table(caption, columns, rows, empty="Environnement : n.d. (aucun fait relevé).")
    return Section("environnement", "6. Environnement exact", (table,))
