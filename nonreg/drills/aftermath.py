"""What a campaign heals outside its drills: what earlier runs left, before anything; what its own left, at the end.

Only on the test platform: a platform file that says otherwise, or a database that answers with another marker, and
nothing is touched. The caller holds the platform's drills (`hold_drills`): whatever is pending belongs to nobody alive.
"""

from __future__ import annotations

import shlex
from contextlib import ExitStack, suppress
from pathlib import Path

from nonreg.config import PLATFORMS_DIR, Platform
from nonreg.drills.healing import Healed, heal_pending
from nonreg.drills.operator import close, list_open
from nonreg.drills.register import open_register
from nonreg.drills.steady import wait_steady
from nonreg.errors import DrillRefused, NonregError, PlatformBusy, Unreachable
from nonreg.guards import find_foreign, find_wrong_marker
from nonreg.lock import hold_platform_lock
from nonreg.store import add_healed

SETTLE_SECONDS = 60.0


def heal_earlier(platform: Platform, run_dir: Path, run_id: str, platform_file: Path) -> None:
    """Heal what earlier runs left, and keep it with this run; DrillRefused says what is still to be done."""
    close_steps(platform)
    if not open_register(platform).pending():
        return
    done = heal_all(platform, run_id)
    add_healed(run_dir, (str(one) for one in done if not one.error))
    left = [str(one) for one in done if one.error]
    if left:
        raise DrillRefused(
            f"la plateforme n'est pas guérie d'un passage précédent. {' ; '.join(left)}. "
            f"Ensuite : python -m nonreg heal --platform {shlex.quote(name_file(platform_file))}"
        )
    settle(platform)


def name_file(platform_file: Path) -> str:
    """How a command names this platform: by its name if it is a shipped one, by its file otherwise."""
    return (
        platform_file.stem
        if platform_file.resolve().parent == PLATFORMS_DIR.resolve()
        else str(platform_file)
    )


def heal_own(platform: Platform, run_dir: Path, run_id: str) -> str:
    """Heal what the drills of this run left, however they ended; a sentence when something is still there."""
    try:
        close_steps(platform)
        done = heal_all(platform, run_id, run_id)
        add_healed(run_dir, (str(one) for one in done if not one.error))
    except (NonregError, OSError) as error:
        return f"Guérison impossible : {error}"
    if not done:
        return ""
    settle(platform)
    left = " ; ".join(str(one) for one in done if one.error)
    return left and f"Plateforme non remise en état. {left}."


def heal_all(platform: Platform, by: str, run_id: str = "") -> tuple[Healed, ...]:
    """Heal everything pending, or what a run left; DrillRefused when this is not the right platform, or it is busy.

    Everything is of runs that have ended, and is healed under the platform's lock: a campaign on another machine
    has another register, and nothing is healed under its drills.
    """
    register = open_register(platform)
    wanted = [entry.id for entry in register.pending() if run_id in ("", entry.run_id)]
    if not wanted:
        return ()
    require_own(platform)
    with ExitStack() as held:
        if not run_id:
            lock = held.enter_context(hold_platform_lock(platform))
            if (
                not lock.held and not lock.unreachable
            ):  # a database that does not answer may be what is to be healed
                raise PlatformBusy(f"rien n'est guéri maintenant, {lock.message}")
        return heal_pending(platform, register, by, lambda entry: entry.id in wanted)


def require_own(platform: Platform) -> None:
    """DrillRefused unless this is the test platform; a database that does not answer may be what is to be healed."""
    problems = find_foreign(platform)
    for site in platform.sites if not problems else ():
        if site.database is not None:
            with suppress(Unreachable):
                problems += find_wrong_marker(platform, site)
    if problems:
        raise DrillRefused(f"Rien n'est guéri, ce n'est pas la plateforme de test : {' ; '.join(problems)}.")


def settle(platform: Platform) -> None:
    """Give what was healed the time to find its steady state; whether it does is judged by guards and scenarios."""
    with suppress(NonregError):
        wait_steady(platform, SETTLE_SECONDS)


def close_steps(platform: Platform) -> None:
    """Nobody waits for the operator steps of a run that has ended; one that cannot be put away stops no healing."""
    for step in list_open(platform):
        with suppress(NonregError):
            close(platform, step)
