"""Values that go from one Prefect task to the next as they are."""

from __future__ import annotations

from typing import TypeVar, cast

from prefect.utilities.annotations import opaque

T = TypeVar("T")


def whole(value: T) -> T:
    """For a task: Prefect draws its line from where it came, without looking for futures in each of its thousand parts.

    Looking takes longer than the task itself.
    """
    return cast(T, opaque(value))
