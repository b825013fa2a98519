"""The command `history`, as its users meet it: in a terminal, in a pipe, rebuilt."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.__main__ import main
from nonreg.commands.history_screen import BLOCKS, draw_trend
from nonreg.history import default_url, open_history
from tests.history.samples import K, N, O, append_all, make_report, run_id_of, save_run

ESCAPE = "\x1b"
Read = Callable[..., str]


@pytest.fixture(autouse=True)
def no_other_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own setting never decides."""
    monkeypatch.delenv("NONREG_HISTORY_URL", raising=False)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Six campaigns: one scenario flickers, one becomes bad, one is always good; a second platform."""
    append_all(
        open_history(default_url(tmp_path)),
        *(
            make_report(
                night, {"BASE-001": O, "BASE-002": K if night % 2 else O, "HD-001": K if night > 3 else O}
            )
            for night in range(6)
        ),
        make_report(0, {"APP-001": O}, platform="autre"),
    )
    return tmp_path


@pytest.fixture
def read(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> Read:
    """The output of `history` with these options, without a terminal."""

    def run(*options: str) -> str:
        assert main(["history", "--runs-dir", str(runs_dir), *options]) == 0
        return capsys.readouterr().out

    return run


def cells(output: str, first: str) -> list[str]:
    """The words of the line that begins with `first`."""
    (line,) = [line for line in output.splitlines() if line.startswith(first)]
    return line.split()


def test_each_campaign_is_a_line_at_the_hour_of_paris(read: Read) -> None:
    output = read("--platform", "essai")
    version = make_report(0, {"BASE-001": O}).run.plan.platform.application_version
    # 00:30 UTC in winter.
    assert cells(output, "02/03/2026") == [
        *("02/03/2026", "01:30", version, "OK", "3", "2", "1", "00:05:00", "#4217"),
    ]
    lines = [line for line in output.splitlines() if "/03/2026 01:30" in line]
    assert [line[:2] for line in lines] == ["01", "02", "03", "04", "05", "06"]


def test_only_scenarios_that_were_not_always_good_have_a_line_in_the_matrix(read: Read) -> None:
    output = read("--platform", "essai")
    assert cells(output, "BASE-002") == ["BASE-002", "✔✘✔✘✔✘", "KO"]
    assert cells(output, "HD-001") == ["HD-001", "✔✔✔✔✘✘", "KO"]
    assert "BASE-001" not in output
    assert "1 autre(s) scénario(s) toujours bon(s) sur ces campagnes." in output
    assert "Dernier état de chaque scénario : 2 KO, 1 OK." in output


def test_without_a_platform_all_of_them_are_shown(read: Read) -> None:
    output = read()
    assert "Plateforme « essai »" in output
    assert "Plateforme « autre »" in output


def test_last_limits_the_campaigns(read: Read) -> None:
    output = read("--platform", "essai", "--last", "2")
    assert cells(output, "HD-001") == ["HD-001", "✘✘", "KO"]
    assert "03/03/2026" not in output


def test_scenarios_with_the_same_results_share_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {f"BASE-{number:03d}": O for number in range(8)}
    history = open_history(default_url(tmp_path))
    append_all(history, make_report(0, good), make_report(1, dict.fromkeys(good, N)))
    append_all(history, make_report(2, {**good, "BASE-003": K}))
    assert main(["history", "--runs-dir", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert cells(output, "BASE-000") == ["BASE-000", "+", "6", "autres", "✔–✔", "OK"]
    assert cells(output, "BASE-003") == ["BASE-003", "✔–✘", "KO"]


def test_a_campaign_that_was_refused_or_of_other_scenarios_is_shown_too(read: Read, runs_dir: Path) -> None:
    append_all(
        open_history(default_url(runs_dir)),
        make_report(6, {"BASE-001": N}),
        make_report(7, {"BASE-001": O}, catalog="essais/scenarios"),
    )
    assert "8 dernière(s) campagne(s)" in read("--platform", "essai")


def test_one_scenario_shows_its_results_duration_and_measures(read: Read) -> None:
    output = read("--scenario", "HD-001")
    assert cells(output, "05/03/2026")[3:8] == ["✘", "KO", "2,00", "s", "1"]
    assert "Durée" in output
    assert cells(output, "Réponse") == ["Réponse", "▅▅▅▅▅▅", *("1", "s") * 3, "3", "s"]
    assert "BASE-002" not in output


def test_unstable_scenarios_are_shown_with_their_changes(read: Read) -> None:
    output = read("--unstable")
    assert cells(output, "BASE-002") == ["BASE-002", "5", "0", "6", "✔✘✔✘✔✘"]
    assert "HD-001" not in output
    assert "« autre » : 0 scénario(s) instable(s)" in output


def test_a_terminal_of_80_columns_gets_colours_and_no_longer_line(runs_dir: Path) -> None:
    history = open_history(default_url(runs_dir))
    append_all(
        history, *(make_report(night, {"BASE-002": K if night % 2 else O}) for night in range(10, 110))
    )
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "nonreg", "history", "--runs-dir", str(runs_dir), "--last", "106"],
        stdout=terminal,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"},
        cwd=Path(__file__).parent.parent.parent,
    )
    os.close(terminal)
    output = b""
    try:
        while chunk := os.read(control, 65536):
            output += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(control)
    assert process.wait(60) == 0
    text = output.decode()
    assert f"{ESCAPE}[31m" in text
    plain = "".join(part.partition("m")[2] for part in (ESCAPE + "[m" + text).split(ESCAPE))
    assert max(len(line) for line in plain.splitlines()) <= 80
    said = re.search(r"\(les (\d+) dernières sur 106\)", plain)
    assert said is not None
    assert cells(plain, "BASE-002")[1] == ("✔✘" * 106)[-int(said[1]) :]


def test_in_a_pipe_nothing_is_coloured_or_cut(read: Read, runs_dir: Path) -> None:
    nights = range(10, 210)
    append_all(
        open_history(default_url(runs_dir)),
        *(make_report(night, {"BASE-002": K if night % 2 else O}) for night in nights),
    )
    output = read("--platform", "essai", "--last", "500")
    assert ESCAPE not in output
    assert cells(output, "BASE-002")[1] == "✔✘" * 103


def test_a_reader_that_goes_away_is_no_error(runs_dir: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "nonreg", "history", "--runs-dir", str(runs_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_what_others_wrote_never_drives_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append_all(open_history(default_url(tmp_path)), make_report(0, {"BASE-[bold]\x1b[2J": K}))
    assert main(["history", "--runs-dir", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert ESCAPE not in output
    assert "BASE-[bold][U+001B][2J" in output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--platform", "inconnue"), "« inconnue »"),
        (("--scenario", "BASE-999"), "« BASE-999 »"),
        (("--last", "zéro"), "« zéro »"),
        (("--last", "0"), "« 0 »"),
        (("--scenario", "HD-001", "--unstable"), "--scenario ou --unstable"),
        (("--url", "postgresql://chef:S3cr3t@127.0.0.1:9/base"), "postgresql://127.0.0.1:9/base"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_3(
    runs_dir: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert main(["history", "--runs-dir", str(runs_dir), *options]) == 3
    error = capsys.readouterr().err
    assert error.startswith("Erreur : ")
    assert words in error
    assert len(error.splitlines()) == 1
    assert "S3cr3t" not in error


def test_looking_at_no_history_creates_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--runs-dir", str(tmp_path)]) == 0
    assert "Aucune campagne" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_rebuild_indexes_the_folders_and_says_which_it_could_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "history.sqlite").write_text("ruine", encoding="utf-8")
    assert main(["history", "--runs-dir", str(tmp_path)]) == 3
    assert "--rebuild" in capsys.readouterr().err
    save_run(tmp_path, make_report(0, {"BASE-001": O}))
    killed = save_run(tmp_path, make_report(1, {"BASE-001": O}))
    (killed / "report.json").unlink()
    assert main(["history", "--runs-dir", str(tmp_path), "--rebuild"]) == 0
    assert "Historique refait : 2 campagne(s) indexée(s)." in capsys.readouterr().out
    broken = save_run(tmp_path, make_report(2, {"BASE-001": O}))
    (broken / "report.json").write_text("{", encoding="utf-8")
    assert main(["history", "--runs-dir", str(tmp_path), "--rebuild"]) == 2
    said = capsys.readouterr()
    assert run_id_of(make_report(2, {"BASE-001": O})) in said.err
    assert "2 campagne(s) indexée(s), 1 non indexé(s)" in said.out
    assert main(["history", "--runs-dir", str(tmp_path)]) == 0
    # Nothing was recorded of the killed one: its scenario was not executed.
    assert cells(capsys.readouterr().out, "BASE-001") == ["BASE-001", "✔–", "Non", "exécuté"]


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=40))
def test_a_trend_has_one_sign_a_value_between_the_least_and_the_greatest(values: list[float | None]) -> None:
    trend = draw_trend(values)
    assert len(trend) == len(values)
    taken = [value for value in values if value is not None]
    for sign, value in zip(trend, values, strict=True):
        assert (sign == "·") == (value is None)
        if value is not None and min(taken) < max(taken):
            assert value != min(taken) or sign == BLOCKS[0]
            assert value != max(taken) or sign == BLOCKS[-1]
