"""Answers written beforehand, for a rehearsal that nobody attends: a TOML file, one table a step.

    [O1]
    personne = "titulaire-essai"
    reference = "contrat 2026-14"
    [O11]
    personne = "titulaire-essai"        # a signature step is signed with `identites/<id>` of the embedded platform
    [A8]
    sans_objet = "le titulaire reste joignable"
    personne = "moa-scv-essai"
    [H7]
    personne = "titulaire-essai"
    commande = "python -m nonreg.sandbox revoke --person {{sujet}} --dir {{banc}}"
    comptes = "…"

Only a rehearsal is answered so, or the embedded platform, whose keys alone sign. `commande` is run before the answer is
recorded, in a rehearsal on the embedded platform and about it only, without a shell (see `rehearsed_command`); several
are separated by ` && `, each run when the one before has succeeded.
`{{maintenant}}` is the instant of the answer, `{{sujet}}` the person whom the runbook is about, `{{jour+5}}` the day in
five days, `{{ticket}}` that of the execution, `{{banc}}` the folder of the embedded platform, `{{passages}}` that of
the runs, `{{dernier_passage}}` the last run in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nonreg.clients.sshsig import load_key_file
from nonreg.config import Platform
from nonreg.decision import SignedDecision, sign_decision
from nonreg.errors import ConfigError, UsageError
from nonreg.files import read_toml
from nonreg.handover.answer import Answer
from nonreg.handover.form import check_said
from nonreg.handover.rehearsed_command import (
    is_embedded,
    read_command,
    require_own_platform,
    require_played,
    require_rehearsal,
    run_command,
)
from nonreg.handover.signing import request_signature
from nonreg.model.handover import Execution, Step, StepKind
from nonreg.people import People
from nonreg.store import PLAN
from nonreg.working_time import PARIS

PERSON, SKIP, COMMAND = "personne", "sans_objet", "commande"
AND = " && "
WORD = re.compile(
    r"\{\{(maintenant|sujet|execution|ticket|banc|passages|dernier_passage|jour(?:\+(\d{1,3}))?)\}\}"
)


@dataclass(frozen=True, slots=True)
class Script:
    """The answers of a file; `keys` is the folder of the private keys that sign, by id of person."""

    file: Path
    answers: dict[str, dict[str, str]]
    keys: Path
    runs_dir: Path = Path("runs")

    def answer(
        self, execution: Execution, step: Step, platform: Platform, people: People, at: datetime
    ) -> Answer:
        """The answer to a step, signed when it engages; UsageError when the file has none."""
        require_played(platform, rehearsal=execution.rehearsal)
        given = self.answers.get(step.id)
        if given is None:
            raise UsageError(f"{self.file} : aucune réponse pour l'étape {step.id} ({step.title}).")
        self._run(given.get(COMMAND, ""), execution, platform, at)
        told = {name: value for name, value in given.items() if name != COMMAND}
        at = max(at, datetime.now(UTC)) if COMMAND in given else at  # a command takes its time
        values = {name: self._fill(value, execution, platform, at) for name, value in told.items()}
        person, reason = values.pop(PERSON, ""), values.pop(SKIP, "")
        signed = None
        if step.kind is StepKind.SIGNATURE and not reason:
            signed = self._sign(execution, step, values, person, platform, people, at)
        return Answer(step.id, person, values, signed, reason)

    def _run(self, commands: str, execution: Execution, platform: Platform, at: datetime) -> None:
        for text in filter(None, commands.split(AND)):
            require_rehearsal(platform, rehearsal=execution.rehearsal)
            words = read_command(text)
            words = tuple(self._fill(word, execution, platform, at) for word in words)
            require_own_platform(platform, words)
            run_command(platform, words)

    def _fill(self, text: str, execution: Execution, platform: Platform, at: datetime) -> str:
        places = {"banc": platform.base_dir, "passages": str(self.runs_dir)}
        if "{{dernier_passage}}" in text:
            places["dernier_passage"] = find_last_run(self.runs_dir)
        return fill(text, execution, at, places)

    def _sign(
        self,
        execution: Execution,
        step: Step,
        values: dict[str, str],
        person: str,
        platform: Platform,
        people: People,
        at: datetime,
    ) -> SignedDecision:
        if not is_embedded(platform):
            raise UsageError(
                f"{self.file} : une étape qui engage se signe par une personne, pas par une clé trouvée à côté de "
                f"la plateforme « {platform.name} »."
            )
        who = people.find(person)
        if who is None:
            raise UsageError(f"{self.file} : la personne « {person} » n'est pas dans {people.file.name}.")
        request = request_signature(platform, execution, step, check_said(step, values, at), who, at)
        return sign_decision(request, load_key_file(self.keys / person))


def load_script(file: Path, keys: Path, runs_dir: Path = Path("runs")) -> Script:
    """The answers of a file; ConfigError when it is not one."""
    data = read_toml(file)
    for step_id, table in data.items():
        texts = isinstance(table, dict) and all(isinstance(value, str) for value in table.values())
        if not texts:
            raise ConfigError(f"{file} : étape « {step_id} » : une table de textes est attendue.")
    return Script(file, data, keys, runs_dir)


def load_played(platform: Platform, file: Path, runs_dir: Path, *, rehearsal: bool) -> Script:
    """The answers of a file for one platform, before anything is opened; UsageError where they would engage."""
    require_played(platform, rehearsal=rehearsal)
    return load_script(file, platform.path("identites"), runs_dir)


def find_last_run(runs_dir: Path) -> str:
    """The run of the latest name; UsageError when there is none."""
    runs = sorted(path.parent.name for path in runs_dir.glob(f"*/{PLAN}"))
    if not runs:
        raise UsageError(f"Aucun passage dans {runs_dir}.")
    return runs[-1]


def fill(text: str, execution: Execution, at: datetime, places: Mapping[str, str]) -> str:
    """The text with the words in double braces replaced."""

    def tell(found: re.Match[str]) -> str:
        day = (at + timedelta(days=int(found[2] or 0))).astimezone(PARIS).date().isoformat()
        words: dict[str, Any] = {
            "maintenant": at.astimezone(UTC).isoformat(timespec="seconds"),
            "sujet": execution.subject,
            "execution": execution.id,
            "ticket": execution.ticket,
            **places,
        }
        return str(words.get(found[1], day))

    return WORD.sub(tell, text)
