"""The dead-man timer of a fault on its target, taken away once the fault is healed."""

from __future__ import annotations

from nonreg.clients.ssh import Shell

UNKNOWN_UNIT = 5  # of systemctl: it fired already, or died with its machine


def cancel_timer(shell: Shell, timer: str) -> None:
    """Take it away; RequestFailed when it stays, for it would heal the fault of a later drill."""
    answer = shell.run("timer_cancel", timer=timer)
    if answer.status != UNKNOWN_UNIT:
        answer.require()
