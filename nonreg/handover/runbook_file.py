"""Runbooks from their TOML files: `flows/runbooks/*.toml`, reviewed in git; those of a site's own folder come first.

A fact of the site that the file cannot know is written `{{address of the VPN}}`; the governance folder of a platform
tells it in `site.toml`, table `[facts]`. What is told nowhere stays visible, and readiness lists it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nonreg.config import validate_table
from nonreg.delays import HOURS_A_DAY
from nonreg.errors import ConfigError, UsageError
from nonreg.files import parse_toml, read_text, read_toml
from nonreg.model import EffectLimit
from nonreg.model.handover import Actor, ClockMove, FieldKind, Runbook, Step, StepKind

RUNBOOKS_DIR = Path(__file__).parents[2] / "flows" / "runbooks"
RUNBOOKS_VARIABLE = "NONREG_RUNBOOKS"
SITE_FILE = "site.toml"
PLACEHOLDER = re.compile(r"\{\{\s*([^{}\n]+?)\s*\}\}")
FAMILIES = {"base", "applicatif", "hd"}
RESERVED_FIELDS = {
    "personne",
    "sans_objet",
    "commande",
}  # of the form of every step, and of answers in a file
REQUIREMENT = re.compile(r"R(0[1-9]|[1-7][0-9]|8[01])")
ID, STEP_ID, FIELD_ID = (
    re.compile(r"[a-z][a-z0-9-]{1,40}"),
    re.compile(r"[A-Z]{1,3}[0-9]{1,2}[a-z]?"),
    re.compile(r"[a-z][a-z0-9_]{0,40}"),
)
# What a field acknowledges as read.
TICKETS, ANALYSIS, RUNBOOK_DOCUMENT = "tickets", "analyse", "runbook:"


def list_folders() -> tuple[Path, ...]:
    """Where runbooks are found: the folder of the site, if there is one, then the project's."""
    own = os.environ.get(RUNBOOKS_VARIABLE)
    return (*([Path(own)] if own else []), RUNBOOKS_DIR)


def find_files() -> dict[str, Path]:
    """The file of each runbook by its id, in alphabetical order."""
    found: dict[str, Path] = {}
    for folder in reversed(list_folders()):
        found |= {path.stem: path for path in folder.glob("*.toml")}
    return dict(sorted(found.items()))


def list_runbooks() -> tuple[str, ...]:
    """Ids of the runbooks, in alphabetical order."""
    return tuple(find_files())


def find_runbook(runbook_id: str, facts: Mapping[str, str] | None = None) -> Runbook:
    """The runbook of that id; UsageError names those that exist."""
    files = find_files()
    if runbook_id not in files:
        raise UsageError(f"Runbook inconnu : « {runbook_id} » (connus : {', '.join(files)}).")
    return load_runbook(files[runbook_id], facts)


def load_runbook(path: Path, facts: Mapping[str, str] | None = None) -> Runbook:
    """One runbook, with the facts of the site in their places; ConfigError names the file and what is wrong."""
    return read_runbook(read_text(path), path, facts)


def read_runbook(text: str, path: Path, facts: Mapping[str, str] | None = None) -> Runbook:
    """As `load_runbook`, from the text of a file; `path` is for the messages, its stem is the id."""
    unknown: dict[str, None] = {}
    data = fill(parse_toml(text, path), facts or {}, unknown)
    data["id"] = data.get("id", path.stem)
    for key in ("sha256", "unknown"):
        if key in data:
            raise ConfigError(f"{path} : clé « {key} » inconnue.")
    found = validate_table(Runbook, data, text, path)
    found = dataclasses.replace(
        found,
        steps=tuple(chain(found.steps)),
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        unknown=tuple(unknown),
    )
    if problem := find_problem(found):
        raise ConfigError(f"{path} : {problem}.")
    return found


def read_facts(governance: Path) -> dict[str, str]:
    """What a site tells about itself, by the words of the runbooks; nothing without a file."""
    file = governance / SITE_FILE
    if not file.is_file():
        return {}
    data = read_toml(file)
    facts = data.get("facts", {})
    if data.keys() - {"facts"} or not isinstance(facts, dict):
        raise ConfigError(f"{file} : seule la table [facts] est attendue.")
    for name, value in facts.items():
        if not isinstance(value, str) or not value.strip() or "{{" in value:
            raise ConfigError(f"{file} : clé « {name} » : un texte non vide, sans « {{{{ », est attendu.")
    return {unicodedata.normalize("NFC", name): value for name, value in facts.items()}


def fill(value: Any, facts: Mapping[str, str], unknown: dict[str, None]) -> Any:
    """The same data with the facts in their places; what is missing is noted in `unknown`, and shown."""
    if isinstance(value, dict):
        return {name: fill(one, facts, unknown) for name, one in value.items()}
    if isinstance(value, list):
        return [fill(one, facts, unknown) for one in value]
    if not isinstance(value, str):
        return value

    def tell(found: re.Match[str]) -> str:
        name = unicodedata.normalize("NFC", found[1])
        fact = facts.get(name)
        if fact is None:
            unknown[name] = None
            return f"‹à compléter : {name}›"
        return fact

    return PLACEHOLDER.sub(tell, value)


def chain(steps: tuple[Step, ...]) -> list[Step]:
    """Each step after the one above it, unless it says what it comes after."""
    chained: list[Step] = []
    for step in steps:
        requires = step.requires or ((chained[-1].id,) if chained else ())
        chained.append(dataclasses.replace(step, requires=requires))
    return chained


def find_problem(runbook: Runbook) -> str:
    """What makes it no runbook, in French; empty when it is sound."""
    if not ID.fullmatch(runbook.id):
        return f"id « {runbook.id} » : minuscules, chiffres et tirets"
    if not runbook.steps:
        return "il faut au moins une étape"
    seen: set[str] = set()
    for step in runbook.steps:
        if problem := find_step_problem(step, seen):
            return f"étape {step.id} : {problem}"
        seen.add(step.id)
    moves = [step.clock for step in runbook.steps if step.clock is not ClockMove.NONE]
    if moves not in ([], [ClockMove.START], [ClockMove.START, ClockMove.STOP]):
        return "l'horloge part une fois, puis s'arrête une fois"
    if runbook.delay_hours is not None and not moves:
        return "delay_hours demande une étape qui fait partir l'horloge"
    return find_late_step(runbook)


def find_late_step(runbook: Runbook) -> str:
    """The first step that would be due after the whole delay: hours and days are compared alike in both readings."""
    for step in runbook.steps:
        hours, delay = step.deadline_hours, runbook.delay_hours
        if (
            hours is not None
            and delay is not None
            and (hours > delay or (hours > HOURS_A_DAY and hours % HOURS_A_DAY))
        ):
            return f"étape {step.id} : deadline_hours va de 1 à 24, ou est un multiple de 24, dans la limite de {delay}"
    return ""


def find_step_problem(step: Step, before: set[str]) -> str:
    """What is wrong with a step, in French; `before` are the ids of those above it."""
    if not STEP_ID.fullmatch(step.id):
        return "l'identifiant s'écrit O1, A10, D3b"
    if step.id in before:
        return "deux étapes ont cet identifiant"
    if missing := [one for one in step.requires if one not in before]:
        return f"elle vient après {missing[0]}, qui n'est pas au-dessus d'elle"
    if (step.role is Actor.OUTIL) != (step.kind in (StepKind.AUTOMATIC, StepKind.CAMPAIGN)):
        return f"role « {step.role} » ne va pas avec kind « {step.kind} »"
    if (step.kind is StepKind.AUTOMATIC) != bool(step.check):
        return "check va avec kind « automatic », et avec lui seul"
    if (step.kind is StepKind.CAMPAIGN) != (step.campaign is not None):
        return "campaign va avec kind « campaign », et avec lui seul"
    if step.fields and step.kind not in (StepKind.CONFIRMATION, StepKind.SIGNATURE):
        return "seule une personne remplit un formulaire"
    if step.deadline_hours is not None and step.deadline_hours <= 0:
        return "deadline_hours est un nombre d'heures ouvrées"
    if step.may_be_skipped and step.role is Actor.OUTIL:
        return "seule une étape d'une personne peut être sans objet"
    if step.delegates and (step.kind, step.role) != (StepKind.SIGNATURE, Actor.MOA_SCV):
        return "une délégation se signe, et par la MOA seule (role « moa_scv »)"
    if wrong := [one for one in step.requirement_ids if not REQUIREMENT.fullmatch(one)]:
        return f"exigence « {wrong[0]} » : R01 à R81"
    return find_campaign_problem(step) or find_fields_problem(step)


def find_campaign_problem(step: Step) -> str:
    """What is wrong with the campaign of a step, in French."""
    if step.campaign is None:
        return ""
    if not step.campaign.families or set(step.campaign.families) - FAMILIES:
        return f"families : parmi {', '.join(sorted(FAMILIES))}"
    if step.campaign.effects not in list(EffectLimit):
        return f"effects : parmi {', '.join(EffectLimit)}"
    return ""


def find_fields_problem(step: Step) -> str:
    """What is wrong with the form of a step, in French."""
    names = [one.id for one in step.fields]
    if len(set(names)) < len(names):
        return "deux champs ont le même identifiant"
    for one in step.fields:
        if not FIELD_ID.fullmatch(one.id):
            return f"champ « {one.id} » : minuscules, chiffres et tirets bas"
        if one.id in RESERVED_FIELDS:
            return f"champ « {one.id} » : ce nom est celui d'une question de chaque étape"
        if (one.kind in (FieldKind.CHOICE, FieldKind.CHOICES)) != bool(one.options):
            return f"champ « {one.id} » : options va avec un choix, et avec lui seul"
        if one.kind is FieldKind.CHOICES and any("," in option for option in one.options):
            return f"champ « {one.id} » : les réponses se séparent par des virgules, elles n'en ont pas"
        if one.document and one.kind is not FieldKind.YES:
            return f"champ « {one.id} » : document va avec kind « oui », et avec lui seul"
        runbook = one.document.removeprefix(RUNBOOK_DOCUMENT)
        is_runbook = runbook != one.document and ID.fullmatch(runbook)
        if one.document not in ("", TICKETS, ANALYSIS) and not is_runbook:
            return f"champ « {one.id} » : document : « {TICKETS} », « {ANALYSIS} » ou « {RUNBOOK_DOCUMENT}… »"
    return ""
