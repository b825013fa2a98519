"""The quality gate of a delivery: without each of these it is not « prête à déployer ». Pure.

Source: R08, R50, R74, R77, DOMAIN §4.4 (A.1).
"""

from __future__ import annotations

from nonreg.model.documents import DeliveryFacts, DeliveryNote, GateItem, ProcedureFact, RunFact
from nonreg.model.tracker import TicketState
from nonreg.model.vocabulary import Verdict
from nonreg.wording import plural

VERDICTS = {
    Verdict.OK: "OK",
    Verdict.OK_AVEC_RESERVES: "OK avec réserves",
    Verdict.INCOMPLET: "INCOMPLET",
    Verdict.KO: "KO",
}
GOOD = (Verdict.OK, Verdict.OK_AVEC_RESERVES)


def judge_delivery(note: DeliveryNote, facts: DeliveryFacts) -> tuple[GateItem, ...]:
    """Each condition with what was found; a delivery is ready when none misses anything."""
    return (
        judge_run(note, facts.run),
        judge_procedure("Procédure d'installation", facts.install),
        judge_procedure("Procédure de déploiement", facts.deploy),
        judge_procedure("Procédure de retour arrière", facts.rollback),
        judge_files(facts),
        judge_tickets(facts),
        judge_documentation(note),
        judge_answer(note),
    )


def list_missing(items: tuple[GateItem, ...]) -> tuple[str, ...]:
    """Why it is not ready; empty when it is."""
    return tuple(f"{one.title} : {one.missing}" for one in items if one.missing)


def judge_run(note: DeliveryNote, run: RunFact) -> GateItem:
    """A whole run of the delivered version on this platform, as it was published, with a good verdict."""
    title = "Rapport de non-régression (A.2)"
    if not run.run_id:
        return GateItem(title, "aucun", "aucun passage n'est nommé (tests.run).")
    if run.problem:
        return GateItem(title, run.run_id, run.problem)
    verdict = VERDICTS.get(run.verdict, "n.d.") if run.verdict else "n.d."
    found = f"{run.run_id}, version {run.version or 'n.d.'}, verdict {verdict}"
    if run.platform != note.document.platform:
        return GateItem(title, found, f"il est de la plateforme « {run.platform} ».")
    if not note.version.strip() or run.version != note.version.strip():
        return GateItem(
            title, found, f"il n'est pas de la version livrée ({note.version.strip() or 'à compléter'})."
        )
    if run.verdict not in GOOD:
        return GateItem(title, found, "son verdict n'est ni OK ni OK avec réserves.")
    if run.partial:
        return GateItem(title, found, f"il est partiel ({run.partial}).")
    return GateItem(title, found)


def judge_procedure(title: str, procedure: ProcedureFact) -> GateItem:
    """A runbook of the emergency file, read again for the delivered version."""
    found = f"runbook « {procedure.runbook} », version {procedure.version or 'n.d.'}"
    return GateItem(title, found, procedure.problem)


def judge_files(facts: DeliveryFacts) -> GateItem:
    """Every delivered file has its hash."""
    title = "Empreintes SHA-256 des fichiers livrés"
    count = plural(len(facts.files), "fichier", "fichiers")
    if facts.files_problem:
        return GateItem(title, count, facts.files_problem)
    return GateItem(title, count, "" if facts.files else "le dossier livré est vide.")


def judge_tickets(facts: DeliveryFacts) -> GateItem:
    """Each ticket is known of the tracker, and the delivery's own work is not hidden in none."""
    title = "Tickets à jour"
    if not facts.tickets:
        return GateItem(title, "aucun", "aucun ticket n'est nommé (tickets).")
    told = ", ".join(f"{one.reference} ({one.state or 'n.d.'})" for one in facts.tickets)
    bad = [one.problem for one in facts.tickets if one.problem]
    if bad:
        return GateItem(title, told, " ".join(bad))
    if not any(one.state is TicketState.OPEN for one in facts.tickets):
        return GateItem(title, told, "tous sont fermés avant le déploiement : rouvrez celui qui le suit.")
    return GateItem(title, told)


def judge_answer(note: DeliveryNote) -> GateItem:
    """Nobody has said no to it; that nobody has answered yet is no obstacle to a note that is there to be answered."""
    title, answer = "Go / No-Go", note.decision.answer
    if answer == "no-go":
        return GateItem(title, "NO-GO", "la réponse est NO-GO.")
    if answer in ("", "n.d."):
        return GateItem(title, "pas encore de réponse", awaited=True)
    return GateItem(title, answer.upper())


def judge_documentation(note: DeliveryNote) -> GateItem:
    """Documents with their new versions, or why none is concerned (R74)."""
    title = "Documentation à jour"
    named = [one for one in note.documents if one.strip()]
    reason = note.no_impact_because.strip()
    if named:
        both = "des documents sont nommés, et il est dit qu'aucun n'est concerné." if reason else ""
        return GateItem(title, ", ".join(named), both)
    if reason:
        return GateItem(title, f"aucun document concerné : {reason}")
    return GateItem(
        title, "n.d.", "nommez les documents mis à jour (documents), ou pourquoi aucun (no_impact_because)."
    )
