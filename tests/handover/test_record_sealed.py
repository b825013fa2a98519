"""The record of a closed execution is sealed: it verifies anywhere, with the runs that it rests on."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.errors import LedgerBroken
from nonreg.evidence.chain import RECORD
from nonreg.evidence.files import MANIFEST
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Evidence
from nonreg.model.handover import Execution
from nonreg.store import hash_file
from tasks.handover import publish_record
from tasks.handover_work import Work
from tests.governed import Governed, publish_run
from tests.handover.activations import integrate, make_site, open_shipped, play, script_of, work_on
from tests.handover.executions import TITULAIRE


def run(*words: object) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out):
        code = main([str(word) for word in words])
    return code, out.getvalue()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_on(make_site(tmp_path))


@pytest.fixture
def rehearsed(tmp_path: Path, work: Work) -> Execution:
    """A rehearsal that was played to its end, signatures included, and its record."""
    integrate(work)
    execution = play(
        work, script_of(Governed(tmp_path), "activation-pointe"), open_shipped(work, "activation-pointe")
    )
    execution = work.journal.close(execution, "", datetime.now(UTC))
    publish_record(work, execution)
    return execution


def test_the_record_of_a_rehearsal_verifies_with_its_steps_proofs_and_signatures(
    work: Work, rehearsed: Execution
) -> None:
    code, out = run("verify", work.journal.folder(rehearsed.id))
    assert code == 0, out
    assert f"{len(rehearsed.done)} étape(s)" in out
    assert "signature(s) vérifiée(s) (fichier des personnes de ce dépôt)" in out
    assert run("verify", work.runs_dir)[0] == 0


def test_its_export_verifies_elsewhere(work: Work, rehearsed: Execution, tmp_path: Path) -> None:
    target = tmp_path / "releve.zip"
    assert run("export", work.journal.folder(rehearsed.id), target)[0] == 0
    code, out = run("verify", target)
    assert code == 0, out


def test_the_run_that_a_record_rests_on_is_exported_with_it(work: Work, tmp_path: Path) -> None:
    run_dir = publish_run(Governed(tmp_path), "essai")
    execution = integrate(work, until="O1")
    proof = Evidence("Rapport", "../../essai/report.json", hash_file(run_dir / "report.json"))
    step = execution.runbook.steps[2].id
    execution = work.journal.add_done(
        execution, step, person=TITULAIRE, at=datetime.now(UTC), evidence=(proof,)
    )
    execution = work.journal.close(execution, TITULAIRE, datetime.now(UTC), "essai abandonné")
    publish_record(work, execution)
    target = tmp_path / "releve.zip"
    code, out = run("export", work.journal.folder(execution.id), target)
    assert (code, "  essai" in out.splitlines()) == (0, True)
    code, out = run("verify", target)
    assert code == 0, out
    assert "essai : jugé de nouveau" in out


def test_an_execution_under_way_is_not_sealed_and_its_folder_is_told_so(work: Work) -> None:
    execution = integrate(work, until="O1")
    publish_record(work, execution)
    assert not (work.journal.folder(execution.id) / MANIFEST).exists()
    code, out = run("verify", work.runs_dir)
    assert (code, "pas encore scellé" in out) == (0, True)


def test_a_record_is_sealed_once_and_what_was_changed_in_it_since_is_not_sealed_over(
    work: Work, rehearsed: Execution
) -> None:
    publish_record(work, rehearsed)
    assert [one.kind for one in ledger.read_entries(work.journal.file)].count(RECORD) == 1
    proof = next(iter(sorted(work.journal.folder(rehearsed.id).glob("preuves/*"))))
    proof.write_bytes(proof.read_bytes() + b" ")
    publish_record(work, rehearsed)
    code, out = run("verify", work.journal.folder(rehearsed.id))
    assert (code, proof.name in out.splitlines()[1]) == (1, True)


def test_the_manifest_of_a_record_is_a_witness_of_the_ledger(work: Work, rehearsed: Execution) -> None:
    lines = work.journal.file.read_bytes().splitlines(keepends=True)
    work.journal.file.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(LedgerBroken, match=MANIFEST):
        verify_ledger(work.journal.file, collect_witnesses(work.runs_dir))
