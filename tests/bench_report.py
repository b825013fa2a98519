"""Time and memory of the report, next to pytest-html and Allure 3 on as many results; nothing here fails.

Each form is made in a process of its own, so that its peak memory is its own; the sample is built before the
clock starts. The others are installed apart from the project, under build/, and left out with a word when
they cannot be: `pytest` alone, with `--html`, with Allure's plug-in, then `allure generate`. Of a few repeats
the quickest counts: what else the machine does only adds.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

BUILD = Path(__file__).parent.parent / "build"
SIZES = (1_000, 10_000)
FORMS = ("html", "pdf")
REPEATS = 3
PLUGINS = ("pytest", "pytest-html", "allure-pytest")
TESTS = '''
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_controle(number):
    """97 % good, the others failed or skipped, as in the report's sample."""
    if number % 200 in (1, 2, 101, 102):
        assert f"{{number}} lignes" == "288 lignes"
    if number % 200 in (3, 4):
        pytest.skip("Site P injoignable.")
'''


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds by the clock and of processor, peak memory in MB (of the largest process).

    On shared cores the clock also counts the others' work; the processor does not.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s ({self.cpu_seconds:6.2f} s de processeur) {self.peak_mb:6.0f} Mo"


def keep_quickest(measure: Callable[[], Cost]) -> Cost:
    """Return the quickest of a few repeats."""
    return min((measure() for _ in range(REPEATS)), key=lambda cost: cost.seconds)


def run_measured(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command to its end, whatever its exit code, and return what it took."""
    with Path(folder, "bench.log").open("ab") as log:
        started = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=log, stderr=log)
        _, _, usage = os.wait4(process.pid, 0)
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def render_once(form: str, scenarios: int) -> None:
    """In the child: make one form of the sample and print what it took as JSON."""
    from reports import render
    from tests.report_past_samples import large_report

    report = large_report(scenarios)
    make = {"html": render.render_html, "pdf": render.render_pdf}[form]
    started, used = time.monotonic(), time.process_time()
    make(report)
    cost = Cost(
        time.monotonic() - started,
        time.process_time() - used,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    print(json.dumps(asdict(cost)))  # noqa: T201


def measure_form(form: str, scenarios: int) -> Cost:
    """Make one form in a process of its own."""
    command = [sys.executable, "-m", "tests.bench_report", form, str(scenarios)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Cost(**said)


def install_others() -> tuple[Path | None, Path | None, str]:
    """Return the Python with the two plug-ins and the `allure` command, None where they cannot be had, and why."""
    environment, node = BUILD / "bench-venv", BUILD / "allure"
    python, allure = environment / "bin" / "python", node / "node_modules" / ".bin" / "allure"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PLUGINS], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return (
            None,
            None,
            f"pytest-html et allure-pytest n'ont pas pu être installés ({type(error).__name__})",
        )
    if shutil.which("npm") is None:
        return python, None, "npm est absent : Allure 3 n'est pas mesuré"
    try:
        node.mkdir(parents=True, exist_ok=True)
        if not allure.exists():
            command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", node, "allure@3"]
            subprocess.run([str(word) for word in command], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return python, None, f"Allure 3 n'a pas pu être installé ({type(error).__name__})"
    return python, allure, ""


def name_versions(python: Path, allure: Path | None) -> str:
    """Return what is compared with, by name and version."""
    code = f"from importlib.metadata import version as v; print(*[f'{{n}} {{v(n)}}' for n in {PLUGINS!r}], sep=', ')"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    if allure is not None:
        found = subprocess.run([allure, "--version"], capture_output=True, text=True, check=False).stdout
        said += f", allure {found.strip()}"
    return said


def measure_others(python: Path, allure: Path | None, count: int, folder: Path) -> dict[str, Cost]:
    """Return what the same number of results takes elsewhere, by name."""
    (folder / "test_controles.py").write_text(TESTS.format(count=count), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # not the project's settings
    plain = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_controles.py"]
    no_html, no_allure = ["-p", "no:html"], ["-p", "no:allure_pytest"]
    page = ["--html=page.html", "--self-contained-html"]
    results = ["--alluredir=resultats", "--clean-alluredir"]
    commands: dict[str, list[str | Path]] = {
        "pytest seul": [*plain, *no_html, *no_allure],
        "pytest --html": [*plain, *no_allure, *page],
        "pytest --alluredir": [*plain, *no_html, *results],
    }
    if allure is not None:
        commands["allure generate"] = [allure, "generate", "resultats", "-o", "site"]
    costs = {name: keep_quickest(partial(run_measured, words, folder)) for name, words in commands.items()}
    if allure is not None and not (folder / "site" / "index.html").exists():
        print("allure generate n'a produit aucune page : ses chiffres ne sont pas montrés")  # noqa: T201
        del costs["allure generate"]
    return costs


def main() -> None:
    """Print the figures of one run, and the ratios."""
    ours: dict[tuple[str, int], Cost] = {}
    for scenarios in SIZES:
        for form in FORMS:
            ours[form, scenarios] = cost = keep_quickest(partial(measure_form, form, scenarios))
            print(f"rapport {form.upper():<4} {scenarios:>6} résultats      {cost}")  # noqa: T201
    python, allure, why = install_others()
    if why:
        print(why)  # noqa: T201
    if python is None:
        return
    count = SIZES[-1]
    print(name_versions(python, allure))  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        others = measure_others(python, allure, count, Path(folder))
    for name, cost in others.items():
        print(f"{name:<18} {count:>6} résultats {cost}")  # noqa: T201
    compare(others, ours["html", count], ours["pdf", count])


def compare(others: dict[str, Cost], html: Cost, pdf: Cost) -> None:
    """Print how many times our seconds the others add to a bare run."""
    bare = others["pytest seul"].seconds
    added = {"pytest-html": others["pytest --html"].seconds - bare}
    if "allure generate" in others:
        with_plugin = others["pytest --alluredir"].seconds - bare
        added["Allure 3 (greffon et page)"] = with_plugin + others["allure generate"].seconds
        added["Allure 3 (page seule)"] = others["allure generate"].seconds
    for name, seconds in added.items():
        print(  # noqa: T201
            f"{name:<27} ajoute {seconds:6.2f} s : {seconds / html.seconds:5.1f} × notre HTML, "
            f"{seconds / (html.seconds + pdf.seconds):5.1f} × HTML et PDF"
        )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        render_once(sys.argv[1], int(sys.argv[2]))
    else:
        main()
