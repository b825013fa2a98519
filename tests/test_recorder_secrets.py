"""What a scenario raises is recorded without the platform's secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg.config import load_platform
from nonreg.masking import list_secrets
from nonreg.sandbox.layout import Layout
from tests.campaigns import run_campaign

LEAKING = """
import sys

from nonreg.model import Criticality
from nonreg.recorder import scenario


@scenario("BASE-901", "Connexion refusée par le pilote", Criticality.MAJEURE)
def test_refused(campaign):
    site = campaign.active_site
    password = campaign.platform.secret(site.database.reader_password_env).reveal()
    print("sortie standard", password)
    print("sans passer par pytest", password, file=sys.__stdout__, flush=True)
    raise RuntimeError(f"connection to postgresql://nr_reader:{password}@127.0.0.1:1/aquareel failed")
"""


def test_the_error_of_a_driver_that_tells_its_password_leaves_no_trace_of_it_in_the_runs_folder(
    sandbox: Layout, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")  # pytest cuts its lines to the width of the terminal, except there
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "test_fuites.py").write_text(LEAKING, encoding="utf-8")
    report = run_campaign(sandbox.platform_file, tmp_path / "passages" / "P", scenarios=str(folder))
    (result,) = report.run.results
    assert "postgresql://nr_reader:***@127.0.0.1:1/aquareel failed" in result.message
    assert "sans passer par pytest ***" in (tmp_path / "passages/P/pytest.log").read_text(encoding="utf-8")
    secrets = list_secrets(load_platform(str(sandbox.platform_file)))
    files = {path: path.read_bytes() for path in (tmp_path / "passages").rglob("*") if path.is_file()}
    assert [p.name for p, content in files.items() if any(one.encode() in content for one in secrets)] == []
    assert not any(one in "".join(capfd.readouterr()) for one in secrets)
