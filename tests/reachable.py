"""Which named queries a function could run: read from the code that it can reach, too many rather than too few.

Names are followed through imports; a method is reachable when its class is named somewhere and its name is used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nonreg.clients.sql import list_queries

ROOT = Path(__file__).parent.parent
Place = tuple[str, str]  # module, name


@dataclass(frozen=True, slots=True)
class Module:
    """What a module defines and what it imports, by the name that it gives it."""

    defined: dict[str, list[ast.AST]] = field(default_factory=dict)
    imported: dict[str, Place] = field(default_factory=dict)


def read_module(path: Path) -> Module:
    """Its top level, and every import wherever it is written."""
    tree, module = ast.parse(path.read_text(encoding="utf-8")), Module()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            module.defined.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (
                one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)
            ):
                module.defined.setdefault(name, []).append(node)
    for found in ast.walk(tree):
        if isinstance(found, ast.ImportFrom):
            for alias in found.names:
                module.imported[alias.asname or alias.name] = (str(found.module), alias.name)
        elif isinstance(found, ast.Import):
            for alias in found.names:
                module.imported[alias.asname or alias.name.split(".")[0]] = (alias.name, "")
    return module


def load_package() -> dict[str, Module]:
    """Every module of the project but the embedded platform, which no campaign imports."""
    found = {}
    for path in sorted((ROOT / "nonreg").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] != "sandbox":
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = read_module(path)
    return found


PACKAGE = load_package()


def find_place(module: str, name: str) -> Place | None:
    """Where a name is defined, through re-exports; a module itself has an empty name."""
    for _ in range(10):
        if f"{module}.{name}" in PACKAGE and name not in PACKAGE[module].defined:
            return f"{module}.{name}", ""
        if module not in PACKAGE or not name:
            return (module, "") if module in PACKAGE else None
        if name in PACKAGE[module].defined:
            return module, name
        if name not in PACKAGE[module].imported:
            return None
        module, name = PACKAGE[module].imported[name]
    return None


class Reach:
    """Everything that can be reached from some places."""

    def __init__(self) -> None:
        self.strings: set[str] = set()
        self._classes: list[tuple[str, ast.ClassDef]] = []
        self._attributes: set[str] = set()
        self._seen: set[int] = set()

    def add(self, module: str, name: str) -> None:
        """Start from a function, a class or a constant."""
        for node in PACKAGE[module].defined[name]:
            self._enter(module, node)
        self._close()

    def _close(self) -> None:
        before = -1
        while before != len(self._seen):
            before = len(self._seen)
            for module, found in list(self._classes):
                for part in found.body:
                    if not isinstance(part, ast.FunctionDef):
                        continue
                    if part.name in self._attributes or part.name.startswith("__"):
                        self._enter(module, part)

    def _enter(self, module: str, node: ast.AST) -> None:
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, ast.ClassDef):
            self._classes.append((module, node))
            parts: list[ast.AST] = [
                *node.bases,
                *(one for one in node.body if not isinstance(one, ast.FunctionDef)),
            ]
        elif isinstance(node, ast.FunctionDef):  # not its decorators: they declare
            parts = [node.args, *node.body, *filter(None, [node.returns])]
        else:
            parts = [node]
        for part in parts:
            self._read(module, part)

    def _read(self, module: str, part: ast.AST) -> None:
        for one in ast.walk(part):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                self.strings.add(one.value)
            elif isinstance(one, ast.Name):
                self._follow(module, one.id)
            elif isinstance(one, ast.Attribute):
                self._attributes.add(one.attr)
                if isinstance(one.value, ast.Name):
                    owner = find_place(module, one.value.id)
                    if owner is not None and not owner[1]:
                        self._follow(owner[0], one.attr)

    def _follow(self, module: str, name: str) -> None:
        place = find_place(module, name)
        if place is not None and place[1]:
            for node in PACKAGE[place[0]].defined[place[1]]:
                self._enter(place[0], node)


def find_reachable(places: Iterable[Place]) -> frozenset[str]:
    """Named queries that appear somewhere in what these places can reach."""
    reach = Reach()
    for place in places:
        reach.add(*place)
    return frozenset(reach.strings) & list_queries()


def find_faults(kinds: Iterable[str]) -> Iterator[Place]:
    """The classes that stand for kinds of faults."""
    wanted = {f"register({kind!r})" for kind in kinds}
    for module, found in PACKAGE.items():
        for name, nodes in found.defined.items():
            for node in nodes:
                if isinstance(node, ast.ClassDef) and wanted & {
                    ast.unparse(one) for one in node.decorator_list
                }:
                    yield module, name
