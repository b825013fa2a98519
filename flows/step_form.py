"""Forms of human steps in the UI of Prefect, made from the fields of a runbook. The answers come back as texts."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from prefect.input import RunInput
from pydantic import Field as FormField
from pydantic import create_model

from flows.forms import YesNo
from nonreg.handover.form import MAX_CHARACTERS
from nonreg.model.handover import Field, FieldKind, Step
from tasks.showing import redact

PERSON, SKIP, SIGNATURE = "personne", "sans_objet", "signature"
CHOICE, REASON = "choix", "motif"
# An instant is written: the picker of the UI offers UTC, an hour or two beside the clock that people look at.
INSTANT_HELP = "Jour et heure de Paris, par exemple 30/11/2026 14:05."
KINDS: dict[FieldKind, Any] = {
    FieldKind.DATE: date,
    FieldKind.NUMBER: float,
    FieldKind.YES: YesNo,
    FieldKind.YES_NO: YesNo,
}


class RetryChoice(StrEnum):
    """What becomes of a check that failed."""

    REESSAYER = "reessayer"
    ABANDONNER = "abandonner"


def make_answer_form(step: Step, persons: tuple[str, ...], description: str) -> type[RunInput]:
    """The form of a step: who answers, its fields, and why it does not apply when that may be."""
    fields: dict[str, Any] = {
        PERSON: (
            make_person_choice(persons),
            FormField(
                title="Qui répond ?",
                description="Votre identifiant. Il est enregistré comme déclaré : rien ne le prouve.",
                json_schema_extra={"position": 0},
            ),
        )
    }
    for position, field in enumerate(step.fields, 1):
        fields[field.id] = make_form_field(step, field, position)
    if step.may_be_skipped:
        fields[SKIP] = (
            str,
            FormField(
                "",
                title="Sans objet, parce que…",
                description="Rempli, l'étape est passée et ce motif est enregistré ; le reste n'est pas lu.",
                json_schema_extra={"position": len(step.fields) + 1},
            ),
        )
    return describe_form(create_model(f"Etape{step.id}", __base__=RunInput, **fields), description)


def make_form_field(step: Step, field: Field, position: int) -> tuple[Any, Any]:
    """Type and schema of one field; one that may be left out with the whole step is never required."""
    kind = choose_type(field)
    is_required = field.required and not step.may_be_skipped
    extra = {"position": position}
    helped = " ".join(filter(None, (field.help, INSTANT_HELP if field.kind is FieldKind.INSTANT else "")))
    words: dict[str, Any] = {
        "title": field.label,
        "description": helped or None,
        "json_schema_extra": extra,
    }
    if is_required:
        return kind, FormField(**words)
    if kind is str:
        return str, FormField("", **words)
    return kind | None, FormField(None, **words)


def choose_type(field: Field) -> Any:
    """The type that gives the right control."""
    if field.kind in (FieldKind.CHOICE, FieldKind.CHOICES):
        choice = StrEnum(f"Choix_{field.id}", {f"c{n}": one for n, one in enumerate(field.options)})  # type: ignore[misc]
        return list[choice] if field.kind is FieldKind.CHOICES else choice
    return KINDS.get(field.kind, str)


def make_signature_form(description: str) -> type[RunInput]:
    """The form that takes a signature made elsewhere; the text to sign and the command stand above it."""
    signature = FormField(
        "",
        title="Signature",
        max_length=MAX_CHARACTERS,
        description="De « -----BEGIN SSH SIGNATURE----- » à « -----END SSH SIGNATURE----- ». Vide si « nonreg sign » a "
        "écrit le fichier .signed.json à côté de la demande.",
        json_schema_extra={"position": 0, "format": "textarea"},
    )
    return describe_form(
        create_model("Signature", __base__=RunInput, signature=(str, signature)), description
    )


def make_retry_form(persons: tuple[str, ...], description: str) -> type[RunInput]:
    """The form of a check that failed; `persons` are those who may give the execution up."""
    choice = FormField(
        title="Que faire ?",
        description="Réessayer : l'étape est refaite, rien de ce qui est fait ne l'est de nouveau. Abandonner : "
        "l'exécution est close, avec qui l'abandonne et son motif.",
        json_schema_extra={"position": 0},
    )
    reason = FormField("", title="Motif d'un abandon", json_schema_extra={"position": 2})
    fields: dict[str, Any] = {CHOICE: (RetryChoice, choice), REASON: (str, reason)}
    if persons:
        who = FormField(
            None,
            title="Qui abandonne ?",
            description="Votre identifiant, pour un abandon seulement. Il est enregistré comme déclaré.",
            json_schema_extra={"position": 1},
        )
        fields[PERSON] = (make_person_choice(persons) | None, who)
    return describe_form(create_model("Reprise", __base__=RunInput, **fields), description)


def make_person_choice(persons: tuple[str, ...]) -> Any:
    """One of those who may."""
    return StrEnum("Personne", {one: one for one in persons})


def describe_form(form: type[RunInput], description: str) -> type[RunInput]:
    """The form with Markdown above it."""
    form._description = redact(description)
    return form


def read_values(step: Step, filled: RunInput) -> dict[str, str]:
    """What was filled in, as the texts that a terminal would give."""
    return {
        field.id: write_value(getattr(filled, field.id, None))
        for field in step.fields
        if getattr(filled, field.id, None) is not None
    }


def write_value(value: Any) -> str:
    """One value as text."""
    if isinstance(value, list):
        return ", ".join(write_value(one) for one in value)
    if isinstance(value, StrEnum):
        return str(value.value)
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:.15g}" if isinstance(value, float) else str(value)
