"""The form of a check that failed, on a real Prefect server: giving up asks who and why, and refuses anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from tests.governed import make_governed
from tests.handover.executions import MOA, SMALL, TECHNIQUE, TITULAIRE
from tests.prefect_server import Server, start_server
from tests.test_runbook_prefect import ENDED, Case

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    runbooks = tmp_path_factory.mktemp("runbooks")
    (runbooks / "essai.toml").write_text(SMALL, encoding="utf-8")
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        found.environment[RUNBOOKS_VARIABLE] = str(runbooks)
        found.start("worker", "start", "--pool", "aquareel", "--type", "process")
        yield found


def test_a_check_that_failed_is_given_up_by_whoever_may_and_says_why(server: Server, tmp_path: Path) -> None:
    case = Case(server, make_governed(tmp_path))  # no platform runs there: O2 fails
    case.fill(personne=TITULAIRE, demande_le="30/11/2026 09:00")
    case.fill(personne=MOA, reference="SCV-12", accord="oui")
    assert "en échec" in case.describe_form()
    assert case.fill(choix="abandonner", personne=TECHNIQUE, motif="plus d'accès")["status"] == "REJECT"
    case.fill(choix="abandonner", motif="plus d'accès")
    assert "Dites qui abandonne l'exécution" in case.describe_form()
    case.fill(choix="abandonner", personne=TITULAIRE, motif=" ")
    said = case.describe_form()
    assert "Un abandon demande un motif" in said
    assert "À faire" in said  # what is wrong with the check is still told
    case.fill(choix="abandonner", personne=TITULAIRE, motif="les accès ne viendront pas")
    run = case.wait(*ENDED)
    assert (run["state"]["type"], run["state"]["name"]) == ("FAILED", "Failed")
    last = case.journal.read(case.execution.id)[-1]
    assert (last.person, last.data["abandoned"]) == (TITULAIRE, "les accès ne viendront pas")
    page = (case.journal.folder(case.execution.id) / "releve.html").read_text(encoding="utf-8")
    assert f"Abandonnée par {TITULAIRE}, motif : les accès ne viendront pas" in page


def test_a_check_that_failed_is_tried_again_without_saying_who(server: Server, tmp_path: Path) -> None:
    case = Case(server, make_governed(tmp_path))
    case.fill(personne=TITULAIRE, demande_le="30/11/2026 09:00")
    case.fill(personne=MOA, reference="SCV-12", accord="oui")
    before = len(case.execution.failed)
    case.fill(choix="reessayer")
    assert "en échec" in case.describe_form()
    assert len(case.execution.failed) == before + 1
