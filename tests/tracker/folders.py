"""Local trackers for tests, written as a person would."""

from __future__ import annotations

from pathlib import Path


def add_ticket(folder: Path, reference: str, title: str, *lines: str) -> None:
    """A ticket of a file, with the least that it needs."""
    (folder / reference).mkdir(parents=True)
    text = "\n".join([f'titre = "{title}"', "ouvert_le = 2026-11-20", *lines])
    (folder / reference / "ticket.toml").write_text(text + "\n", encoding="utf-8")
