"""The emergency binder, its rehearsals and the drills of its scenarios: is each up to date? Pure.

Source: R10, R14, R45–R51, R73, DOMAIN §4.4.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from nonreg.handover.readiness import Facts, Finding, find_last_complete, is_complete
from nonreg.handover.reviews import find_last_review
from nonreg.model.handover import Execution
from nonreg.model.readiness import Chapter, Grade
from nonreg.wording import plural
from nonreg.working_time import PARIS

BINDER = {
    "installation": "Installation",
    "deploiement": "Déploiement",
    "retour-arriere": "Retour arrière",
    "tests": "Tests",
    "bascule-hd": "Bascule HD",
    "acces": "Accès",
    "contacts": "Contacts clés",
}
SCENARIOS = {
    "R45": (
        "Titulaire indisponible, absence prévue ou non",
        ("activation-absence-prevue", "activation-absence-imprevue"),
    ),
    "R46": ("Pointe d'activité", ("activation-pointe",)),
    "R47": ("Situation exceptionnelle", ("activation-exceptionnelle",)),
}
REVIEW_DAYS, YEAR_DAYS = 183, 365  # a binder is read again every six months, everything is played once a year
# Problems of reviews.toml and of executions, beside those of runbooks by their id.
REVIEWS, EXECUTION = "relectures", "execution/"
REREAD = "Relisez-le, corrigez-le, puis inscrivez la relecture dans reviews.toml."


def look_at_binder(facts: Facts) -> tuple[Finding, ...]:
    """One finding for each of the seven items."""
    return tuple(look_at_item(facts, runbook_id, title) for runbook_id, title in BINDER.items())


def look_at_item(facts: Facts, runbook_id: str, title: str) -> Finding:
    """Present, complete, read again lately, in its version and that of the application."""

    def say(grade: Grade, found: str, remedy: str = "") -> Finding:
        return Finding(Chapter.BINDER, runbook_id, title, grade, found, remedy)

    runbook = facts.runbooks.get(runbook_id)
    if runbook is None:
        return say_absent(facts, Chapter.BINDER, runbook_id, title)
    if runbook.unknown:
        count = plural(
            len(runbook.unknown), "renseignement du site manque", "renseignements du site manquent"
        )
        return say(
            Grade.UNKNOWN,
            f"{count} : {', '.join(runbook.unknown)}.",
            "Écrivez-les dans site.toml, table [facts], du dossier de gouvernance.",
        )
    if REVIEWS in facts.problems:
        return say(Grade.UNKNOWN, facts.problems[REVIEWS], "Corrigez reviews.toml.")
    review = find_last_review(facts.reviews, runbook_id)
    if review is None:
        return say(Grade.MISSING, "Jamais relu.", REREAD)
    told = f"Relu le {review.reviewed_on:%d/%m/%Y} par {review.person}"
    if not facts.application_version:
        return say(
            Grade.UNKNOWN, f"{told} ; version déployée n.d.", "Rétablissez la lecture de la version déployée."
        )
    if review.application_version != facts.application_version:
        return say(
            Grade.MISSING,
            f"{told} pour la version {review.application_version} ; "
            f"la version déployée est {facts.application_version}.",
            REREAD,
        )
    if review.version != runbook.version:
        return say(
            Grade.RESERVE,
            f"{told} en version {review.version} ; il est en version {runbook.version}.",
            REREAD,
        )
    age = count_days(facts, review.reviewed_on)
    if age > 2 * REVIEW_DAYS:
        return say(Grade.MISSING, f"{told}, il y a {age} jours.", REREAD)
    if age > REVIEW_DAYS:
        return say(Grade.RESERVE, f"{told}, il y a {age} jours (six mois au plus).", REREAD)
    return say(Grade.GOOD, f"{told}, version {runbook.version}, application {facts.application_version}.")


def look_at_rehearsals(facts: Facts) -> tuple[Finding, ...]:
    """One finding for each runbook: was it played since its last change, and in this year?"""
    return tuple(look_at_rehearsal(facts, runbook_id) for runbook_id in facts.runbooks)


def look_at_rehearsal(facts: Facts, runbook_id: str) -> Finding:
    """« Dernière répétition : par qui, quand, en combien de temps », changed since, or never."""
    runbook = facts.runbooks[runbook_id]
    if runbook is None:
        return say_absent(facts, Chapter.REHEARSALS, runbook_id, runbook_id)
    played = [one for one in facts.executions if one.runbook.id == runbook_id and is_complete(one)]
    same = [one for one in played if one.runbook.sha256 == runbook.sha256]
    last = find_last_complete(tuple(same or played), runbook_id)
    if last is None:
        grade, found = Grade.MISSING, "Jamais joué jusqu'au bout."
    else:
        old = count_days(facts, day_of(last)) > YEAR_DAYS
        found = describe_played(last)
        if same:
            grade = Grade.RESERVE if old else Grade.GOOD
            found += " ; il y a plus d'un an." if old else "."
        else:
            grade = Grade.MISSING if old else Grade.RESERVE
            found += " ; le runbook a changé depuis."
    remedy = "" if grade is Grade.GOOD else say_rehearse(runbook_id)
    return Finding(Chapter.REHEARSALS, runbook_id, runbook.title, grade, found, remedy)


def look_at_scenarios(facts: Facts) -> tuple[Finding, ...]:
    """One finding for each scenario of activation: a drill of any of its runbooks, in any version, in this year."""
    findings = []
    for requirement, (title, runbooks) in SCENARIOS.items():
        last = find_last_complete(facts.executions, *runbooks)
        if last is None:
            grade, found = Grade.MISSING, "Aucun exercice."
        elif count_days(facts, day_of(last)) > YEAR_DAYS:
            grade, found = Grade.MISSING, f"{describe_played(last)} ; il y a plus d'un an."
        else:
            again = day_of(last) + timedelta(days=YEAR_DAYS)
            grade, found = Grade.GOOD, f"{describe_played(last)} ; à rejouer avant le {again:%d/%m/%Y}."
        findings.append(
            Finding(
                Chapter.SCENARIOS,
                requirement,
                f"{title} ({requirement})",
                grade,
                found,
                "" if grade is Grade.GOOD else say_rehearse(runbooks[0]),
            )
        )
    return tuple(findings)


def look_at_unreadable(facts: Facts) -> tuple[Finding, ...]:
    """Executions whose folder does not hold: no points, but nobody can say what they proved."""
    return tuple(
        Finding(
            Chapter.REHEARSALS,
            key,
            key.removeprefix(EXECUTION),
            Grade.UNKNOWN,
            problem,
            "Restaurez le dossier de l'exécution (runs/runbooks) depuis la sauvegarde.",
            Fraction(0),
        )
        for key, problem in facts.problems.items()
        if key.startswith(EXECUTION)
    )


def say_absent(facts: Facts, chapter: Chapter, runbook_id: str, title: str) -> Finding:
    """A runbook that is not there, or cannot be read."""
    problem = facts.problems.get(runbook_id)
    found = problem or f"Le runbook « {runbook_id} » est absent."
    grade = Grade.UNKNOWN if problem else Grade.MISSING
    return Finding(chapter, runbook_id, title, grade, found, f"Rétablissez {runbook_id}.toml.")


def say_rehearse(runbook_id: str) -> str:
    """What to type; `--help` tells the rest."""
    return f"Jouez-le : python -m nonreg runbook open {runbook_id} --rehearsal"


def describe_played(execution: Execution) -> str:
    """Who played it, when, how long it took from its opening to its end."""
    persons = dict.fromkeys(one.person for one in execution.done if one.person) or {execution.opened_by: None}
    assert execution.closed_at is not None
    minutes = int((execution.closed_at - execution.opened_at).total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    took = f"{hours} h {minutes:02d}" if hours else f"{minutes} min"
    what = "Répété" if execution.rehearsal else "Exécuté"
    return f"{what} le {day_of(execution):%d/%m/%Y} par {', '.join(persons)}, en {took}"


def day_of(execution: Execution) -> date:
    """The day in Paris on which it ended, or began."""
    return (execution.closed_at or execution.opened_at).astimezone(PARIS).date()


def count_days(facts: Facts, day: date) -> int:
    """How many days ago that was, in Paris."""
    return (facts.at.astimezone(PARIS).date() - day).days
