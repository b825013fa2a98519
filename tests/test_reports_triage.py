"""What chapter 4 says of a triage that does not know everything, without the rest of the report."""

from __future__ import annotations

from dataclasses import replace

from reports.document import Block, Items, Paragraph, Table
from reports.triage import SENTENCES_SHOWN, explain_triage
from tests.report_past_samples import explain_failure, past_runs

FULL = explain_failure("BASE-003", past_runs()[0])
UNKNOWN = "Environnement du dernier bon passage inconnu : il n'a pas pu être comparé."


def read_items(blocks: list[Block], label: str) -> tuple[str, ...]:
    """The sentences under a label; an error when there is no such list."""
    (found,) = (block for block in blocks if isinstance(block, Items) and block.label == label)
    return found.items


def read_changes(blocks: list[Block]) -> Table:
    (found,) = (block for block in blocks if isinstance(block, Table))
    return found


def test_what_is_not_known_is_said_and_nothing_is_said_to_be_unchanged() -> None:
    blocks = explain_triage(replace(FULL, differences=(), missing=(UNKNOWN,)))
    assert read_items(blocks, "Limites de ce diagnostic") == (UNKNOWN,)
    assert read_changes(blocks).empty == "Aucune différence relevée, dans les limites dites ci-dessus."
    blocks = explain_triage(replace(FULL, differences=()))
    assert read_changes(blocks).empty.startswith("Rien de ce qui est relevé n'a changé")
    assert not any(isinstance(block, Items) and block.label.startswith("Limites") for block in blocks)


def test_what_is_not_as_delivered_is_listed() -> None:
    blocks = explain_triage(replace(FULL, drift=("srv-a/client.json (modifié)",)))
    assert read_items(blocks, "Ce qui diffère de la référence livrée") == ("srv-a/client.json (modifié)",)


def test_long_lists_are_cut_and_say_how_many_are_left() -> None:
    sentences = tuple(f"phrase {number}" for number in range(SENTENCES_SHOWN + 3))
    said = read_items(explain_triage(replace(FULL, missing=sentences)), "Limites de ce diagnostic")
    assert len(said) == SENTENCES_SHOWN + 1
    assert said[-1] == "… 3 autres, voir la source JSON."


def test_logs_say_whose_time_they_are_in() -> None:
    said = [block.text for block in explain_triage(FULL) if isinstance(block, Paragraph)]
    assert "Heures des journaux : temps universel (TU), à l'horloge de chaque hôte." in said
    assert not any(
        "Heures" in one.text for one in explain_triage(replace(FULL, logs=())) if isinstance(one, Paragraph)
    )
