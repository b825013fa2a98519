"""What each of several scenarios prints, logs and asserts, told apart while they run at once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

import pytest

from nonreg.clients.scope import current_scope


class ScopedStream:
    """Standard output or error: what a scenario prints is kept for it, anything else goes on as it did."""

    def __init__(self, name: str, others: TextIO) -> None:
        self._name = name
        self._others = others

    def write(self, text: str) -> int:
        """Keep or pass on."""
        if (scope := current_scope()) is None:
            return self._others.write(text)
        scope.write(self._name, text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)


class ScopedLog(logging.Handler):
    """What a scenario logs is kept for it; what nobody's thread logs goes to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep or pass on."""
        text = self.format(record) + "\n"
        if (scope := current_scope()) is None:
            sys.stderr.write(text)
        else:
            scope.write("log", text)


@contextmanager
def told_apart(config: pytest.Config) -> Iterator[None]:
    """Inside the block, what each scenario prints and logs is kept for its own report."""
    handler = ScopedLog()
    plugin: Any = config.pluginmanager.get_plugin("logging-plugin")
    if plugin is not None:
        handler.setFormatter(plugin.formatter)
    logging.getLogger().addHandler(handler)
    out: Any = ScopedStream("stdout", sys.stdout)
    error: Any = ScopedStream("stderr", sys.stderr)
    try:
        with redirect_stdout(out), redirect_stderr(error):
            yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def explained(item: pytest.Item) -> Iterator[None]:
    """Inside the block, a failed `assert` is explained as pytest does it for one test at a time."""
    from _pytest import assertion

    wrapper: Any = assertion.pytest_runtest_protocol(item)
    next(wrapper)
    try:
        yield
    finally:
        next(wrapper, None)
