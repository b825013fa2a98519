"""The register of what is to be healed: on disk before the fault, readable after any kill, never silent when broken."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.drills.register import (
    FAILED,
    HEALED,
    INJECTED,
    Register,
    hold_drills,
    new_entry_id,
)
from nonreg.errors import ConfigError, DrillRefused, NonregError
from nonreg.model import PlannedFault

FAULT = PlannedFault(
    "HD-015/1", "service_stopped", "SITE-A", (("service", "client"),), 30.0, ("srv-a",), "arrêter", "démarrer"
)


def register_one(register: Register) -> str:
    """One fault about to be injected."""
    return register.add("run", "HD-015", FAULT, {"valeur": "é"}, new_entry_id()).id


def test_a_fault_is_pending_from_its_registration_until_it_is_healed(tmp_path: Path) -> None:
    register = Register(tmp_path / "exercices")
    assert register.pending() == ()
    register_one(register)
    (entry,) = register.pending()
    assert (entry.fault, entry.before, entry.injected) == (FAULT, {"valeur": "é"}, False)
    register.mark(entry, INJECTED)
    register.mark(entry, FAILED, error="hôte injoignable")
    (entry,) = register.pending()
    assert (entry.injected, entry.error) == (True, "hôte injoignable")
    register.mark(entry, HEALED)
    assert register.pending() == ()
    assert [one.healed for one in register.read()] == [True]


@given(st.data())
def test_a_kill_in_the_middle_of_a_line_loses_that_line_alone(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        register = Register(Path(folder))
        ids = [register_one(register) for _ in range(3)]
        whole = register.path.read_bytes()
        lines = whole.splitlines(keepends=True)
        cut = data.draw(st.integers(1, len(lines[-1]) - 1))
        register.path.write_bytes(whole[:-cut])
        assert [one.id for one in register.pending()] == ids[:2]
        again = register_one(register)
        assert [one.id for one in register.pending()] == [*ids[:2], again]


def test_a_line_that_cannot_be_read_is_never_passed_over(tmp_path: Path) -> None:
    register = Register(tmp_path)
    register_one(register)
    good = register.path.read_text(encoding="utf-8")
    for line in ("{}", "pas du json", json.dumps({"event": "healed", "id": "inconnu"})):
        register.path.write_text(line + "\n" + good, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"ligne 1\. Rien ne peut être prouvé guéri"):
            register.pending()


def test_a_register_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("")
    with pytest.raises(NonregError, match="Registre de guérison impossible à écrire"):
        register_one(Register(tmp_path / "fichier" / "exercices"))


def test_two_processes_never_run_drills_at_once(tmp_path: Path) -> None:
    register = Register(tmp_path)
    with (
        hold_drills(register, "20261124T000000Z-essai"),
        pytest.raises(DrillRefused, match="20261124T000000Z-essai"),
        hold_drills(register, "un autre"),
    ):
        pytest.fail("both hold it")
    with hold_drills(register, "un autre"):
        pass


def test_a_campaign_without_drills_needs_no_folder_where_no_drill_ever_was(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("")
    nowhere = Register(tmp_path / "fichier" / "exercices")
    with hold_drills(nowhere, "nuit", drills=False) as held:
        assert held is None
    with pytest.raises(NonregError, match="Dossier impossible à écrire"), hold_drills(nowhere, "exercices"):
        pytest.fail("drills without a register")
