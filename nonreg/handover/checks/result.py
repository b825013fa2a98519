"""What an automatic check of a runbook is given and gives back: points, each with what was found and how to fix it.

A check raises nothing for what the platform or the workstation does: it becomes a point. What was found goes into
reports and the ledger, so that it shows no secret, no address and no account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from nonreg.config import Host, Platform
from nonreg.errors import NonregError
from nonreg.masking import Mask, hide_places, list_secrets
from nonreg.people import People

# The command stays one where `nonreg` is also the name of an account.
COMMAND, KEPT = "python -m nonreg", "\0"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at; `remedy` says how to fix it, and is empty when there is nothing to fix."""

    title: str
    ok: bool
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Everything that one check looked at."""

    points: tuple[Point, ...]

    @property
    def is_ok(self) -> bool:
        """True when something was looked at, and all of it is good."""
        return bool(self.points) and all(point.ok for point in self.points)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check looks at: the platform by the file of the person (`subject`) whom the runbook is about, at `at`."""

    platform: Platform
    platform_file: Path
    people: People
    subject: str
    at: datetime
    runs_dir: Path = Path("runs")


class NotRight(Exception):
    """What was found is not as it must be; told to `ask_point` alone."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


Check = Callable[[CheckContext], CheckResult]


def ask_point(title: str, ask: Callable[[], str], explain: Callable[[NonregError], str]) -> Point:
    """The point for what `ask` finds; `explain` gives the remedy for an error of ours."""
    try:
        return Point(title, True, ask())
    except NotRight as wrong:
        return Point(title, False, str(wrong), wrong.remedy)
    except NonregError as error:
        return Point(title, False, str(error), explain(error))
    except Exception as error:  # a check answers, whatever happens to it
        return Point(
            title,
            False,
            f"Contrôle impossible : {type(error).__name__}, {error}.",
            "Transmettez ce message à qui entretient l'outil : rien n'a pu être vérifié.",
        )


def give_result(context: CheckContext, points: Iterable[Point]) -> CheckResult:
    """The result, as it may be shown."""
    mask = Mask(list_secrets(context.platform))

    def hide(point: Point) -> Point:
        found = hide_places(point.found.replace(COMMAND, KEPT), context.platform)
        return replace(point, found=mask.apply(found).replace(KEPT, COMMAND), remedy=mask.hide(point.remedy))

    return CheckResult(tuple(hide(point) for point in points))


def list_hosts(platform: Platform) -> tuple[Host, ...]:
    """Every host that somebody who runs campaigns or drills reaches, each once."""
    hosts = [site.host for site in platform.sites]
    if platform.drills.hypervisor is not None:
        hosts.append(platform.drills.hypervisor)
    return tuple({(host.name, host.address, host.port): host for host in hosts}.values())
