"""Microsoft's parser (ScriptDom) in this process: a text becomes a tree of plain Python, or the errors that it finds.

It parses alone: it knows no database, so no name is resolved and no type is checked.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = Path(sys.prefix) / "tsql"  # where `make test-tsql` puts them, apart from the locked environment
ASSEMBLY = PACKAGES / "mssqlcli" / "mssqltoolsservice" / "bin" / "Microsoft.SqlServer.TransactSql.ScriptDom"
DOTNET = PACKAGES / "dotnetcore2" / "bin"
FRAMEWORK = "Microsoft.NETCore.App"
PARSERS = {2016: "TSql130Parser", 2019: "TSql150Parser"}
# Where a fragment stands: only its first line is kept.
PLACES = frozenset(
    {"StartOffset", "FragmentLength", "StartLine", "StartColumn", "FirstTokenIndex", "LastTokenIndex"}
)
LEFT_OUT = PLACES | {"ScriptTokenStream"}


class SyntaxRefused(Exception):
    """What the parser says of a text that it does not read; `str()` has a line for each error."""


@dataclass(frozen=True, slots=True)
class Node:
    """One fragment of the tree: its class in ScriptDom, its line, its properties that are not null, by name."""

    kind: str
    line: int
    parts: dict[str, Any]

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.children()

    def children(self) -> list[Node]:
        """The nodes right below it."""
        found = []
        for part in self.parts.values():
            found += [one for one in (part if isinstance(part, tuple) else (part,)) if isinstance(one, Node)]
        return found

    def get(self, *path: str) -> Any:
        """What stands at the end of these properties; None where one is absent."""
        found: Any = self
        for name in path:
            found = found.parts.get(name) if isinstance(found, Node) else None
        return found


@functools.cache
def load() -> Any:
    """The namespace of the parser; the runtime is started once and lives as long as the process."""
    if not PACKAGES.is_dir():
        raise RuntimeError("ScriptDom is not installed: make test-tsql")
    os.environ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"  # without libicu
    os.environ["COMPlus_EnableDiagnostics"] = "0"  # noqa: SIM112 - its name; no debugger's pipes stay in the temporary folder
    sys.path.append(str(PACKAGES))  # last: nothing there stands for a package of the project
    from clr_loader import DotnetCoreRuntimeSpec, get_coreclr
    from pythonnet import set_runtime

    framework = next((DOTNET / "shared" / FRAMEWORK).iterdir())
    spec = DotnetCoreRuntimeSpec(FRAMEWORK, framework.name, framework)
    set_runtime(get_coreclr(dotnet_root=DOTNET, runtime_spec=spec))
    import clr

    clr.AddReference(str(ASSEMBLY))
    from Microsoft.SqlServer.TransactSql import ScriptDom

    return ScriptDom


@functools.cache
def make_parser(version: int) -> Any:
    """The parser of one version of the server, with QUOTED_IDENTIFIER ON as every session of ours."""
    return getattr(load(), PARSERS[version])(True)


def parse(text: str, version: int = 2016) -> Node:
    """The tree of a script (TSqlScript, its batches); SyntaxRefused says where that version would not read it."""
    parser = make_parser(version)
    from System.IO import StringReader

    tree, errors = parser.Parse(StringReader(text), None)
    if errors.Count:
        raise SyntaxRefused("\n".join(f"line {one.Line}: {one.Message}" for one in errors))
    return convert(tree)


def convert(fragment: Any) -> Node:
    """A fragment of .NET with all below it."""
    kind = fragment.GetType()
    parts = {}
    for name in list_properties(str(kind.FullName)):
        value = getattr(fragment, name)
        if value is None:
            continue
        if hasattr(value, "FirstTokenIndex"):
            parts[name] = convert(value)
        elif not isinstance(value, str | bool | int) and hasattr(value, "GetEnumerator"):
            if items := tuple(convert(one) if hasattr(one, "FirstTokenIndex") else str(one) for one in value):
                parts[name] = items
        else:
            parts[name] = value if isinstance(value, bool) else str(value)
    return Node(str(kind.Name), int(fragment.StartLine), parts)


@functools.cache
def list_properties(full_name: str) -> tuple[str, ...]:
    """Names of the properties that make a fragment of that class."""
    import clr

    kind = clr.GetClrType(load().TSqlScript).Assembly.GetType(full_name)
    return tuple(
        str(one.Name)
        for one in kind.GetProperties()
        if str(one.Name) not in LEFT_OUT and not one.GetIndexParameters().Length
    )
