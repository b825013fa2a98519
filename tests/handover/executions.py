"""A small runbook with one step of each kind, a governed platform, and answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.clients.sshsig import load_key_file
from nonreg.decision import SignedDecision, sign_decision
from nonreg.handover.answer import Answer, record_answer
from nonreg.handover.form import check_said
from nonreg.handover.journal import Journal
from nonreg.handover.runbook_file import read_runbook
from nonreg.handover.signing import request_signature
from nonreg.model.handover import Execution, Runbook
from tests.governed import Governed, make_governed

AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
TITULAIRE, TECHNIQUE, PILOTAGE, MOA = (
    "titulaire-essai",
    "renfort-technique-essai",
    "renfort-pilotage-essai",
    "moa-scv-essai",
)
SMALL = """
title = "Intégration d'essai"
summary = "Ce qui est joué dans les essais."
version = "1"
delay_hours = 48

[[steps]]
id = "O0"
title = "Demande d'intégration"
role = "titulaire"
kind = "confirmation"
instructions = "Dire quand la demande a été reçue."
evidence = "Le ticket."
clock = "depart"
fields = [{ id = "demande_le", label = "Demandé le", kind = "instant" }]

[[steps]]
id = "O1"
title = "Validation de la MOA"
role = "moa_scv"
kind = "confirmation"
instructions = "Donner la référence."
evidence = "Le courrier."
fields = [
  { id = "reference", label = "Référence", kind = "reference" },
  { id = "accord", label = "Accord donné", kind = "oui" },
]

[[steps]]
id = "O2"
title = "Accès"
role = "outil"
kind = "automatic"
check = "acces"
instructions = "L'outil essaie chaque accès."
evidence = "Le relevé."

[[steps]]
id = "O3"
title = "Délégation"
role = "moa_scv"
kind = "signature"
delegates = true
may_be_skipped = true
instructions = "Nommer le délégataire."
evidence = "La décision."
fields = [
  { id = "delegataire", label = "Délégataire", kind = "reference" },
  { id = "delegation_jusqu_au", label = "Jusqu'au", kind = "date" },
  { id = "reference_moa", label = "Référence de la MOA", kind = "reference" },
]

[[steps]]
id = "O4"
title = "Mise en capacité"
role = "titulaire"
kind = "signature"
clock = "arret"
subject_excluded = true
deadline_hours = 48
instructions = "Prononcer la mise en capacité."
evidence = "La décision signée."
"""


@dataclass(frozen=True, slots=True)
class Played:
    """An execution on a governed platform."""

    governed: Governed
    journal: Journal
    runbook: Runbook

    def open(self, subject: str = TECHNIQUE, at: datetime = AT, **more: object) -> Execution:
        return self.journal.open(
            self.runbook,
            "embarquee",
            ticket="AQ-7",
            person=TITULAIRE,
            subject=subject,
            at=at,
            **more,  # type: ignore[arg-type]
        )

    def answer(
        self,
        execution: Execution,
        step: str,
        person: str,
        at: datetime = AT + timedelta(hours=1),
        *,
        signed: SignedDecision | None = None,
        skip: str = "",
        **values: str,
    ) -> Execution:
        answer = Answer(step, person, values, signed, skip)
        return record_answer(
            self.journal, self.governed.platform, self.governed.people, execution, answer, at
        )

    def sign(
        self,
        execution: Execution,
        step_id: str,
        person: str,
        at: datetime = AT + timedelta(hours=1),
        key: str = "",
        **values: str,
    ) -> SignedDecision:
        step = execution.runbook.step(step_id)
        assert step is not None
        who = self.governed.people.find(person)
        assert who is not None
        said = check_said(step, values, at)
        request = request_signature(self.governed.platform, execution, step, said, who, at)
        return sign_decision(request, load_key_file(Path(self.governed.key(key or person))))

    def reach(self, step_id: str, subject: str = TECHNIQUE) -> Execution:
        """An execution in which everything above a step is done; the delegation is left out."""
        execution = self.open(subject)
        if step_id == "O0":
            return execution
        execution = self.answer(execution, "O0", TITULAIRE, demande_le="30/11/2026 10:00")
        if step_id == "O1":
            return execution
        execution = self.answer(execution, "O1", MOA, reference="SCV-12", accord="oui")
        if step_id == "O2":
            return execution
        execution = self.journal.add_done(execution, "O2", person="", at=AT + timedelta(hours=1))
        if step_id == "O3":
            return execution
        return self.answer(execution, "O3", MOA, skip="le titulaire reste joignable")


def make_played(root: Path) -> Played:
    """Everything of one platform, with nothing opened."""
    governed = make_governed(root)
    runbook = read_runbook(SMALL, Path("essai.toml"))
    return Played(governed, Journal(governed.runs_dir, governed.people), runbook)
