"""Imports point one way: flows → tasks → {nonreg, reports}, reports → nonreg.model; Prefect stays above."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("flows", "tasks", "nonreg", "reports")
# What a package may import of the others; nonreg/__main__.py and nonreg/commands/ are the composition root.
ALLOWED = {
    "flows": {"flows", "tasks", "nonreg", "reports"},
    "tasks": {"tasks", "nonreg", "reports"},
    "nonreg": {"nonreg"},
    "reports": {"reports", "nonreg.model"},
}
ONLY_IN_CLIENTS = {
    "pyodbc": ("nonreg/clients/odbc.py",),
    "sqlalchemy": (
        "nonreg/clients/late.py",
        "nonreg/clients/sql.py",
        "nonreg/clients/line.py",
        "nonreg/clients/postgresql.py",
        "nonreg/clients/mssql.py",
        "nonreg/clients/history_connection.py",
        "nonreg/clients/history_database.py",
        "nonreg/clients/history_tables.py",
    ),
    "paramiko": (
        "nonreg/clients/late.py",
        "nonreg/clients/ssh.py",
        "nonreg/clients/sftp.py",
        "nonreg/clients/sshsig.py",
    ),
    "requests": ("nonreg/clients/web.py",),
}
LATE = "nonreg.clients.late."  # what is taken from there is the library's
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def read_imports(path: Path) -> set[str]:
    """Dotted names of every module that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def belongs(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def find_breaches(relative: str, imports: set[str]) -> list[str]:
    """Imports of one file that the house does not allow."""
    package = relative.split("/")[0]
    breaches = []
    for name in sorted(imports):
        top = name.split(".")[0]
        own = top in PACKAGES and not relative.startswith(("nonreg/__main__.py", "nonreg/commands/"))
        # `from nonreg import model` reads as both `nonreg` and `nonreg.model`: the second decides.
        whole_package = name in PACKAGES and any(belongs(other, name) and other != name for other in imports)
        if own and not whole_package and not any(belongs(name, allowed) for allowed in ALLOWED[package]):
            breaches.append(f"{relative} imports {name}")
        if top == "prefect" and package not in ("flows", "tasks"):
            breaches.append(f"{relative} imports {name}")
        in_sandbox = relative.startswith("nonreg/sandbox/")
        library = name.removeprefix(LATE).split(".")[0]
        if library in ONLY_IN_CLIENTS and relative not in ONLY_IN_CLIENTS[library] and not in_sandbox:
            breaches.append(f"{relative} imports {name}")
        if belongs(name, "nonreg.sandbox") and not in_sandbox:
            breaches.append(f"{relative} imports {name}")
    return breaches


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_module_only_imports_what_its_layer_may(path: Path) -> None:
    assert find_breaches(path.relative_to(ROOT).as_posix(), read_imports(path)) == []


@pytest.mark.parametrize(
    ("relative", "name"),
    [
        ("reports/html.py", "nonreg.config"),
        ("nonreg/assess.py", "reports.render"),
        ("tasks/campaign.py", "flows.campaign"),
        ("nonreg/plan.py", "prefect"),
        ("nonreg/guards.py", "sqlalchemy.text"),
        ("nonreg/guards.py", "nonreg.clients.late.sqlalchemy"),
        ("nonreg/scenarios/hd/test_roles.py", "nonreg.sandbox.layout"),
    ],
)
def test_a_forbidden_import_is_found(relative: str, name: str) -> None:
    assert find_breaches(relative, {name}) == [f"{relative} imports {name}"]


def test_every_package_on_disk_is_listed() -> None:
    on_disk = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert on_disk == set(PACKAGES)
