"""The renforts: under contract, integrated, with access that was checked, and how soon one would be operational. Pure.

Each role counts for half, each valid person of a role alike, each question alike. Somebody whose habilitation has ended
stays in the people file for the old signatures: they count only where nobody else of their role does.
Source: R18, R19, R22–R24, R28, DOMAIN §4.1, §4.6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from statistics import median

from nonreg.delays import add_working_time, find_deadlines
from nonreg.handover.clock import view_clock
from nonreg.handover.readiness import Facts, Finding, find_last_complete
from nonreg.handover.readiness_binder import count_days, day_of
from nonreg.model import Role
from nonreg.model.handover import Execution, StepDone, StepKind
from nonreg.model.readiness import Chapter, Grade
from nonreg.people import Person
from nonreg.working_time import PARIS

ROLES = {Role.RENFORT_TECHNIQUE: "Renfort technique", Role.RENFORT_PILOTAGE: "Renfort pilotage"}
INTEGRATION, HAND_BACK, ACTIVATIONS = "integration", "restitution", "activation-"
REVOKED = "acces_revoques"
CONTRACT_DAYS, ACCESS_DAYS = 30, 90  # access is reviewed every quarter
DELAY_HOURS = 48
Answer = tuple[str, str, Grade, str, str]  # id, title, grade, found, remedy
INTEGRATE = "Ouvrez-la : python -m nonreg runbook open integration"


def look_at_renforts(facts: Facts) -> tuple[Finding, ...]:
    """The answers of each renfort, role by role."""
    findings: list[Finding] = []
    for role, title in ROLES.items():
        own = [one for one in facts.persons if one.role is role]
        counted = [one for one in own if one.is_valid(facts.at)] or own
        if not counted:
            findings.append(
                Finding(
                    Chapter.RENFORTS,
                    role.value,
                    title,
                    Grade.MISSING,
                    "Personne de ce profil dans le fichier des personnes.",
                    "Contractualisez un renfort de ce profil, puis inscrivez-le dans people.toml.",
                )
            )
        for person in counted:
            part = Fraction(1, len(counted) * len(QUESTIONS))
            for question in QUESTIONS:
                name, about, grade, found, remedy = question(facts, person)
                findings.append(
                    Finding(
                        Chapter.RENFORTS,
                        f"{person.id}/{name}",
                        f"{person.id}, {about}",
                        grade,
                        found,
                        "" if grade is Grade.GOOD else remedy,
                        part,
                    )
                )
    return tuple(findings)


def ask_validity(facts: Facts, person: Person) -> Answer:
    """Entitled now."""
    name, title = "habilitation", "habilitation"
    if person.is_valid(facts.at):
        return name, title, Grade.GOOD, "En cours.", ""
    return (
        name,
        title,
        Grade.MISSING,
        "N'est pas habilité(e) aujourd'hui.",
        "Revoyez valid_from et valid_until.",
    )


def ask_contract(facts: Facts, person: Person) -> Answer:
    """Under contract, and for more than a month."""
    remedy = "Renouvelez le contrat, puis inscrivez contract_until dans people.toml."
    end = person.contract_until
    if end is None:
        return "contrat", "contrat", Grade.UNKNOWN, "Fin du contrat n.d.", remedy
    left = -count_days(facts, end)
    grade = Grade.MISSING if left < 0 else Grade.RESERVE if left <= CONTRACT_DAYS else Grade.GOOD
    verb = "a pris fin" if left < 0 else "prend fin"
    near = f", dans {left} jours" if grade is Grade.RESERVE else ""
    return "contrat", "contrat", grade, f"Le contrat {verb} le {end:%d/%m/%Y}{near}.", remedy


def ask_confidentiality(facts: Facts, person: Person) -> Answer:
    """Confidentiality was promised in writing."""
    name, title = "confidentialite", "engagement de confidentialité"
    remedy = "Faites signer l'engagement, puis inscrivez nda_signed_on dans people.toml."
    day = person.nda_signed_on
    if day is None:
        return name, title, Grade.UNKNOWN, "Date de signature n.d.", remedy
    if count_days(facts, day) < 0:
        return name, title, Grade.MISSING, f"Daté du {day:%d/%m/%Y}, dans l'avenir.", remedy
    return name, title, Grade.GOOD, f"Signé le {day:%d/%m/%Y}.", ""


def ask_keys(facts: Facts, person: Person) -> Answer:
    """Has a key to sign with, and accounts of their own."""
    name, title = "cles", "clé et comptes nommés"
    if not person.keys:
        return (
            name,
            title,
            Grade.MISSING,
            "Aucune clé SSH.",
            "Inscrivez sa clé publique (keys) dans people.toml.",
        )
    if not person.accounts:
        return (
            name,
            title,
            Grade.UNKNOWN,
            "Comptes nommés n.d.",
            "Inscrivez ses comptes (accounts) dans people.toml.",
        )
    return name, title, Grade.GOOD, f"{len(person.keys)} clé(s), {len(person.accounts)} compte(s).", ""


def ask_integration(facts: Facts, person: Person) -> Answer:
    """Integrated for real, not too long ago for an activation to count on it."""
    name, title = "integration", "intégration"
    last = find_last_integration(facts, person)
    if last is None:
        open_ = [
            one
            for one in facts.executions
            if (one.runbook.id, one.subject, one.closed_at) == (INTEGRATION, person.id, None)
        ]
        found = f"En cours : {open_[-1].id}." if open_ else "Jamais intégré(e)."
        remedy = f"Menez-la au bout : python -m nonreg runbook resume {open_[-1].id}" if open_ else INTEGRATE
        return name, title, Grade.MISSING, found, remedy
    age = count_days(facts, day_of(last))
    found = f"Close le {day_of(last):%d/%m/%Y}, il y a {age} jours"
    if last.rehearsal:
        return name, title, Grade.RESERVE, f"{found}, répétition seulement.", INTEGRATE
    if age >= facts.integration_days:
        return name, title, Grade.RESERVE, f"{found} ({facts.integration_days} au plus).", INTEGRATE
    return name, title, Grade.GOOD, f"{found}.", ""


def ask_access(facts: Facts, person: Person) -> Answer:
    """The checks of the last integration: all of them done, lately, and nothing revoked since."""
    name, title = "acces", "contrôles d'accès"
    again = "Rejouez les contrôles d'accès : runbooks « acces » ou « integration »."
    last = find_last_integration(facts, person)
    if last is None:
        return name, title, Grade.UNKNOWN, "Accès jamais contrôlés par une intégration close.", INTEGRATE
    checks = [one for one in last.runbook.steps if one.kind is StepKind.AUTOMATIC]
    done = [found for one in checks if (found := last.find(one.id)) is not None]
    if not checks or len(done) < len(checks):
        return name, title, Grade.UNKNOWN, f"{len(done)} contrôle(s) fait(s) sur {len(checks)}.", again
    day = min(one.at for one in done).astimezone(PARIS).date()
    revoked = find_revocation(facts, person, done)
    if revoked is not None:
        return (
            name,
            title,
            Grade.RESERVE,
            f"Contrôlés le {day:%d/%m/%Y}, fermés le {revoked:%d/%m/%Y} par une restitution.",
            again,
        )
    grade = Grade.RESERVE if count_days(facts, day) > ACCESS_DAYS else Grade.GOOD
    late = f", il y a plus de {ACCESS_DAYS} jours" if grade is Grade.RESERVE else ""
    return name, title, grade, f"{len(done)} contrôles faits le {day:%d/%m/%Y}{late}.", again


def ask_delay(facts: Facts, person: Person) -> Answer:
    """Called now, operational when? Against « 48h ouvrées » in both readings."""
    name, title = "delai", "mise en capacité projetée"
    remedy = "Mesurez-la : menez au bout une intégration de ce profil, horloge comprise."
    projected, source = project_delay(facts, person)
    if projected is None:
        return name, title, Grade.UNKNOWN, "Délai n.d. : aucune mesure passée.", remedy
    ready = add_working_time(facts.at, projected, facts.working)
    due = find_deadlines(facts.at, DELAY_HOURS, facts.working)
    met = {
        "2 jours ouvrés": ready <= due.by_days,
        f"{DELAY_HOURS} heures d'ouverture": ready <= due.by_hours,
    }
    said = ", ".join(f"{reading} : {'tenu' if ok else 'dépassé'}" for reading, ok in met.items())
    minutes = int(projected.total_seconds() // 60)
    took = f"{minutes // 60} h {minutes % 60:02d}"
    grade = Grade.GOOD if ready <= due.binding else Grade.RESERVE if any(met.values()) else Grade.MISSING
    return (
        name,
        title,
        grade,
        f"{took} ouvrées ({source}) ; {said}.",
        "Raccourcissez ce qui dure : accès, lectures.",
    )


def project_delay(facts: Facts, person: Person) -> tuple[timedelta | None, str]:
    """The median office time of past measures, and which they are; real ones before those that were played.

    Whoever is integrated only has to be activated; without an activation yet, integrations bound it from above.
    """
    last = find_last_integration(facts, person)
    kinds: list[tuple[str, Callable[[Execution], bool]]] = [
        ("intégrations", lambda one: one.runbook.id == INTEGRATION)
    ]
    if last is not None and not last.rehearsal:
        kinds.insert(0, ("activations", lambda one: one.runbook.id.startswith(ACTIVATIONS)))
    for is_played in (False, True):
        for title, is_kind in kinds:
            took = [
                view.took.total_seconds()
                for one in facts.executions
                if is_kind(one) and one.rehearsal is is_played and not one.abandoned
                if (view := view_clock(one, facts.working, facts.at)) is not None and view.took is not None
            ]
            if took:
                played = ", répétées" if is_played else ""
                return timedelta(seconds=median(took)), f"médiane de {len(took)} {title}{played}"
    return None, ""


def find_last_integration(facts: Facts, person: Person) -> Execution | None:
    """The last real integration of somebody that was closed; one that was played where there is none."""
    real = tuple(one for one in facts.executions if not one.rehearsal)
    find = partial(find_last_complete, subject=person.id)
    return find(real, INTEGRATION) or find(facts.executions, INTEGRATION)


def find_revocation(facts: Facts, person: Person, checked: list[StepDone]) -> date | None:
    """The day on which a real hand-back proved that access was closed, after these checks."""
    since = max(one.at for one in checked)
    days = [
        done.at.astimezone(PARIS).date()
        for one in facts.executions
        if (one.runbook.id, one.subject, one.rehearsal) == (HAND_BACK, person.id, False)
        for step in one.runbook.steps
        if step.check == REVOKED and (done := one.find(step.id)) is not None and done.at > since
    ]
    return max(days, default=None)


QUESTIONS: tuple[Callable[[Facts, Person], Answer], ...] = (
    ask_validity,
    ask_contract,
    ask_confidentiality,
    ask_keys,
    ask_integration,
    ask_access,
    ask_delay,
)
