"""Which scenarios may run among others, and what each needs of pytest to itself; pytest's private names are here.

Where one of these names is not as expected, or a test asks for more than is known here to be safe, it runs alone.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
KNOWN_MARKS = {"scenario", "timeout"}
# The last two act on coroutines and on generated examples only: neither runs at once.
KNOWN_PLUGINS = ("_pytest.", "pytest_timeout", "nonreg.", "anyio.", "_hypothesis_pytestplugin")
OWN_FIXTURES = ("nonreg.fixtures", "nonreg.sqlfiles.")
# Hooks that are not called for scenarios which run at once: nobody else's may be passed over.
PASSED_OVER = (
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_runtest_call",
    "pytest_runtest_teardown",
    "pytest_fixture_setup",
    "pytest_pyfunc_call",
)
# Fixtures of pytest that change the whole process.
PROCESS_WIDE = {
    *("capsys", "capsysbinary", "capteesys", "capfd", "capfdbinary", "caplog"),
    *("monkeypatch", "recwarn", "subtests"),
}
PACKAGE_FUNCTIONS = ("setUpModule", "setup_module", "tearDownModule", "teardown_module")


def split_stretches(
    items: Iterable[T], is_reading: Callable[[T], bool], may_overlap: Callable[[T], bool]
) -> list[tuple[list[T], list[T]]]:
    """Items in order, as stretches: those that run at once, then those that run one after the other.

    Nothing that reads passes something that writes, in either direction: it may look at what was written.
    """
    stretches: list[tuple[list[T], list[T]]] = [([], [])]
    for item in items:
        together, serial = stretches[-1]
        if is_reading(item) and not all(map(is_reading, serial)):
            together, serial = [], []
            stretches.append((together, serial))
        (together if may_overlap(item) else serial).append(item)
    return stretches


def may_overlap(item: pytest.Item) -> bool:
    """True when nothing that the test asks for outlives it, changes the process or is unknown here."""
    found: Any = item
    try:
        info = found._fixtureinfo
        definitions = [one for several in info.name2fixturedefs.values() for one in several]
        return (
            isinstance(item, pytest.Function)
            and item.cls is None
            and not hasattr(item, "callspec")
            and not is_asynchronous(item.obj)
            and {mark.name for mark in item.iter_markers()} <= KNOWN_MARKS
            and not PROCESS_WIDE & {*item.fixturenames}
            and "request" not in info.argnames  # could ask for any fixture while it runs
            and all(is_own(one) for one in definitions)
            and item.parent is not None
            and is_plain(item.parent)
        )
    except AttributeError:
        return False


def is_own(definition: Any) -> bool:
    """True for a fixture of one test, with one value, that asks for no other while it runs unless it is ours."""
    ours = str(definition.func.__module__).startswith(OWN_FIXTURES)
    return (
        definition.scope == "function"
        and not is_asynchronous(definition.func)
        and definition.params is None
        and (ours or "request" not in definition.argnames)
    )


def is_asynchronous(function: Any) -> bool:
    """True for what only a plugin can run."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


@functools.cache
def is_plain(parent: pytest.Collector) -> bool:
    """True for a module around which nobody but pytest and ourselves does something at any moment of a test."""
    hooks = (getattr(parent.ihook, name).get_hookimpls() for name in PASSED_OVER)
    known = all(one.function.__module__.startswith(KNOWN_PLUGINS) for found in hooks for one in found)
    return known and not any(has_package_functions(node) for node in parent.listchain())


def has_package_functions(node: object) -> bool:
    """True for a folder whose `__init__.py` prepares something for all its tests."""
    if not isinstance(node, pytest.Package):
        return False
    text = (node.path / "__init__.py").read_text(encoding="utf-8")
    return any(name in text for name in PACKAGE_FUNCTIONS)


def own_fixtures(item: pytest.Item) -> None:
    """Give a test definitions of its own: pytest keeps the value of a fixture, and its end, in the definition."""
    found: Any = item
    info = found._fixtureinfo
    own = {name: tuple(map(copy_definition, several)) for name, several in info.name2fixturedefs.items()}
    found._fixtureinfo = dataclasses.replace(info, name2fixturedefs=own)
    found._initrequest()


def copy_definition(definition: Any) -> Any:
    """A fixture definition without a value."""
    copied = copy.copy(definition)
    copied.cached_result, copied._finalizers = None, []
    return copied
