"""The page shown to the MOA before an intervention: GO, GO avec réserves or NO-GO, and on what it rests."""

from __future__ import annotations

from nonreg.model import (
    Acceptance,
    Answer,
    CampaignReport,
    Criticality,
    InterventionDecision,
    InterventionKind,
    Outcome,
    ReservesAnswer,
)
from reports import labels, text
from reports.case import join_cases
from reports.document import Cell, Column, Document, Pairs, Paragraph, Section, Table, shorten_on_paper
from reports.visas import leave_visas

ROWS_ON_PAPER = 100
TITLE = "Décision avant intervention"
ANSWERS: dict[Answer, Cell] = {
    Answer.GO: Cell("GO", "✓", "ok"),
    Answer.GO_AVEC_RESERVES: Cell("GO avec réserves", "!", "warn"),
    Answer.NO_GO: Cell("NO-GO", "✗", "ko"),
}
CONCLUSIONS: dict[Answer, str] = {
    Answer.GO: "L'intervention peut commencer, dans la limite de validité ci-dessous.",
    Answer.GO_AVEC_RESERVES: "L'intervention peut commencer, dans la limite de validité ci-dessous, en "
    "connaissance des réserves.",
    Answer.NO_GO: "L'intervention ne doit pas commencer.",
}
ACCEPTANCES: dict[Acceptance, str] = {
    Acceptance.ACCEPTED: "acceptées",
    Acceptance.REFUSED: "refusées",
    Acceptance.UNANSWERED: "non acceptées, personne n'a répondu dans le délai",
}
AWAITED = "non acceptées, réponse attendue"
HELD_BACK = "L'intervention ne doit pas commencer tant que les réserves ne sont pas acceptées."
KINDS: dict[InterventionKind, str] = {
    InterventionKind.BASCULE: "Bascule entre sites",
    InterventionKind.REPLICATION: "Réplication",
    InterventionKind.DEPLOIEMENT: "Déploiement d'une version",
    InterventionKind.SCRIPT_SQL: "Script SQL",
    InterventionKind.PARAMETRAGE: "Paramétrage",
    InterventionKind.SYSTEME: "Système (serveur, réseau, correctifs)",
    InterventionKind.AUTRE: "Autre",
}


def describe_acceptance(decision: InterventionDecision, said: ReservesAnswer | None) -> str:
    """What became of the reserves, as one reads it after « réserves »; empty when nobody was asked."""
    if not decision.acceptance_required:
        return ""
    if said is None:
        return AWAITED
    by = f" par {said.person} (identité déclarée, non prouvée)" if said.person else ""
    return ACCEPTANCES[said.acceptance] + by


def build_intervention_page(
    decision: InterventionDecision, report: CampaignReport | None, said: ReservesAnswer | None = None
) -> Document:
    """Return the page; without a run there is nothing but the reasons. `said` is the answer about the reserves."""
    decision = text.make_printable(decision)
    said = text.make_printable(said) if said else None
    report = text.make_printable(report) if report else None
    asked = decision.intervention
    return Document(
        title=TITLE,
        status="Sensible" if asked.sensitive else "Courante",
        subject=f"{KINDS[asked.kind]}, ticket {asked.ticket}, plateforme {decision.platform}",
        run_id=decision.id,
        generated=text.format_moment(decision.decided_at),
        alerts=_list_alerts(decision, said),
        verdict=ANSWERS[decision.answer],
        conclusion=HELD_BACK if is_held_back(decision, said) else CONCLUSIONS[decision.answer],
        reasons=decision.reasons,
        sections=(
            _describe_intervention(decision, said),
            _describe_basis(decision, report),
            *((_list_exceptions(report),) if report else ()),
            _explain_rule(decision),
            leave_visas(),
        ),
        verdict_label="Réponse",
        run_label="Décision",
        generated_label="établie le",
    )


def is_held_back(decision: InterventionDecision, said: ReservesAnswer | None) -> bool:
    """True while reserves that are to be accepted are not."""
    accepted = said is not None and said.acceptance is Acceptance.ACCEPTED
    return decision.acceptance_required and not accepted


def _list_alerts(decision: InterventionDecision, said: ReservesAnswer | None) -> tuple[Paragraph, ...]:
    alerts = [Paragraph(decision.outside_hours, "warn", "!")] if decision.outside_hours else []
    if decision.acceptance_required:
        tone = ("ko", "✗") if is_held_back(decision, said) else ("ok", "✓")
        alerts.append(Paragraph(f"Réserves {describe_acceptance(decision, said)}.", *tone))
    return tuple(alerts)


def _describe_intervention(decision: InterventionDecision, said: ReservesAnswer | None) -> Section:
    asked = decision.intervention
    touches = "oui" if asked.touches_replication else "non"
    items = (
        ("Ticket", asked.ticket),
        ("Nature", KINDS[asked.kind]),
        ("Sensible", "oui" if asked.sensitive else "non"),
        ("Touche la réplication", f"{touches} : {asked.replication_reason}"),
        ("Familles exigées", ", ".join(family.name for family in asked.families)),
        ("Version", decision.application_version),
        ("Décidé le", text.format_moment(decision.decided_at)),
        (
            "Valable jusqu'au",
            text.NOT_KNOWN if decision.answer is Answer.NO_GO else text.format_moment(decision.expires_at),
        ),
        ("Demandé par", text.known(decision.person)),
        ("À distance", "oui" if asked.remote else "non"),
        ("Prévue", text.format_moment(asked.planned_at) if asked.planned_at else "dès maintenant"),
    )
    answered: tuple[tuple[str, str], ...] = ()
    if said is not None:
        answered = (
            ("Réserves", describe_acceptance(decision, said)),
            ("Réponse enregistrée le", text.format_moment(said.answered_at)),
            ("Commentaire", text.known(said.comment)),
        )
    return Section("intervention", "1. Intervention", (Pairs(items, answered),))


def _describe_basis(decision: InterventionDecision, report: CampaignReport | None) -> Section:
    if report is None or decision.verdict is None or decision.run_started_at is None:
        return Section("passage", "2. Campagne sur laquelle repose la réponse", (Paragraph("Aucune."),))
    outcomes = [found.outcome for found in report.assessment.findings]
    baseline = report.basis.baseline
    items = (
        ("Passage", decision.run_id),
        ("Commencé le", text.format_moment(decision.run_started_at)),
        ("Verdict", labels.VERDICTS[decision.verdict].text),
        ("Scénarios", f"{len(outcomes)} prévus, {sum(one.is_good for one in outcomes)} sans écart"),
        (
            "Référence",
            f"n° {baseline.number}, version {baseline.application_version}" if baseline else "aucune promue",
        ),
        ("Familles jugées", ", ".join(family.name for family in report.run.plan.families)),
        ("Âge maximal", f"{text.format_number(decision.max_age_hours)} h"),
        ("Outil", f"commit {text.known(report.run.plan.tool_commit)}"),
    )
    wide = (("SHA-256 du rapport", decision.report_sha256),)
    return Section("passage", "2. Campagne sur laquelle repose la réponse", (Pairs(items, wide),))


def _list_exceptions(report: CampaignReport) -> Section:
    order = list(Criticality)
    cases = [
        case
        for case in join_cases(report)
        if not case.outcome.is_good or case.outcome is Outcome.DEROGATION or case.finding.slower
    ]
    cases.sort(key=lambda case: order.index(case.scenario.criticality))
    rows = tuple(
        (
            Cell(case.scenario.id),
            Cell(case.scenario.title),
            Cell(labels.CRITICALITIES[case.scenario.criticality]),
            case.label,
            Cell(text.shorten(" ".join(case.explain().split()), 300, "voir le rapport A.2")),
        )
        for case in cases
    )
    columns = (
        Column("Scénario", 11),
        Column("Titre", 30),
        Column("Criticité", 12),
        Column("Résultat", 14),
        Column("Motif", 33),
    )
    table = Table("Ce qui n'est pas sans réserve", columns, rows, empty="Aucun écart, aucune dérogation.")
    shown = shorten_on_paper(table, ROWS_ON_PAPER, "voir la page HTML ou le rapport A.2")
    return Section("ecarts", "3. Écarts et dérogations", (shown,))


def _explain_rule(decision: InterventionDecision) -> Section:
    said = (
        "Une intervention sensible n'est permise qu'avec une réponse GO, avec ou sans réserves, qui repose sur un "
        "passage complet, publié et non modifié, de la même version, commencé depuis moins de "
        f"{text.format_number(decision.max_age_hours)} h sur la plateforme de test, BASE et APPLICATIF, et HD si la "
        "réplication est touchée. La réponse cesse d'être valable avec l'âge du passage, ou avec la première "
        "dérogation qui expire. Une nouvelle réponse pour le même ticket remplace la précédente. Une intervention à "
        "distance qui commence hors des jours et heures ouvrés est signalée par une réserve. Quand l'acceptation des "
        "réserves a été demandée, l'intervention n'est permise qu'après un oui ; l'absence de réponse n'en est pas un. "
        "Cette page ne vaut ni procès-verbal, ni validation par la maîtrise d'ouvrage."
    )
    return Section("regle", "4. Règle appliquée", (Paragraph(said),))
