"""The active role moved to the other site, planned or forced; healing brings the roles back whatever happened.

Where a person works the tool, the drill asks for each step and the fault can only be healed by hand.
"""

from __future__ import annotations

import time

from nonreg.clients.ssh import describe_command, open_shell
from nonreg.config import Site, SwitchoverMode
from nonreg.errors import NeedsPerson, RequestFailed
from nonreg.faults import ROLES, Description, Fault, register
from nonreg.faults.roles import Move, Step, decide
from nonreg.ha.driver import choose_driver
from nonreg.model import SiteRole
from nonreg.probes.nodes import read_nodes
from nonreg.waiting import POLL_SECONDS

TOOL_SECONDS = 120.0
PATIENCE_SECONDS = 15.0  # for links, restarted nodes and their confirmation
HEAL_SECONDS = 180.0
MAX_MOVES = 6
COMMANDS = {Move.SWITCH: "switch_over", Move.REINITIALISE: "reinitialise"}


class RoleFault(Fault):
    """Moves the active role to the passive site; `command` is the tool's."""

    rank = ROLES
    command = "switch_over"
    words = "basculer vers"

    def describe(self) -> Description:
        target, nominal = self.target(), self.context.platform.site(SiteRole.ACTIF)
        if self.context.platform.drills.switchover is SwitchoverMode.OPERATEUR:
            steps = "".join(f" ; {number}. {step}" for number, step in enumerate(self.list_steps(), start=1))
            return Description(
                action=f"{self.words} {target.code}, par une personne avec le gestionnaire de bascule{steps}",
                healing=f"{nominal.code} redevient actif et {target.code} passif, par une personne avec le même outil",
                hosts=tuple(site.host.name for site in (nominal, target)),
                by_hand=True,
            )
        return Description(
            action=f"{self.words} {target.code} : {describe_command(self.command, site=target.code)}",
            healing=f"{nominal.code} redevient actif : {describe_command('switch_over', site=nominal.code)}, "
            f"après « {describe_command('reinitialise', site='SITE')} » si un site ne suit plus",
            hosts=tuple(site.host.name for site in (nominal, target)),
        )

    def list_steps(self) -> tuple[str, ...]:
        """What a person does, in order, where that is more than one order to the tool."""
        return ()

    def target(self) -> Site:
        """The site that takes the role."""
        return self.context.platform.site(SiteRole.PASSIF)

    def inject(self, before: dict[str, str]) -> None:
        """Run the tool on the target's host; returns when it has ended well."""
        target = self.target()
        run_tool(self, target, self.command, target)

    def heal(self, before: dict[str, str]) -> None:
        """Step by step until the nominal site is active again and its passive receives."""
        restore_roles(self)


@register("switched_over")
class SwitchedOver(RoleFault):
    """A planned switchover."""

    def list_steps(self) -> tuple[str, ...]:
        return choose_driver(self.context.platform).planned_switch_steps()


@register("forced_over")
class ForcedOver(RoleFault):
    """A takeover without the other site."""

    command = "force_over"
    words = "forcer la bascule vers"


@register("reinitialised")
class Reinitialised(RoleFault):
    """The passive site's data thrown away and copied again."""

    command = "reinitialise"
    words = "réinitialiser"


def run_tool(fault: Fault, on: Site, command: str, site: Site) -> str:
    """What the tool said; RequestFailed with its last words when it refused."""
    with open_shell(fault.context.platform, on.host) as shell:
        return shell.run(command, TOOL_SECONDS, site=site.code).require()


def restore_roles(fault: Fault) -> None:
    """Ask, decide, act, until the roles are those of the platform file; NeedsPerson when no command may do it."""
    platform = fault.context.platform
    nominal = platform.site(SiteRole.ACTIF)
    by_hand = platform.drills.switchover is SwitchoverMode.OPERATEUR
    deadline, moves, patient_until = time.monotonic() + HEAL_SECONDS, 0, time.monotonic() + PATIENCE_SECONDS
    while True:
        now = time.monotonic()
        step = decide(nominal.code, read_nodes(platform), patient=now < patient_until)
        if step.move is Move.DONE:
            return
        if step.move is Move.PERSON or (by_hand and step.move is not Move.WAIT):
            raise NeedsPerson(instruct(step, nominal))
        if now > deadline or moves >= MAX_MOVES:
            raise RequestFailed(f"Rôles non rétablis : {step.why}.")
        if step.move is Move.WAIT:
            time.sleep(5 * POLL_SECONDS)
            continue
        moves += 1
        site = next(one for one in platform.sites if one.code == step.site)
        try:
            run_tool(fault, site, COMMANDS[step.move], site)
        except RequestFailed:
            if moves >= MAX_MOVES:
                raise
        patient_until = time.monotonic() + PATIENCE_SECONDS


def instruct(step: Step, nominal: Site) -> str:
    """What a person is told to do with the tool."""
    action = {
        Move.SWITCH: f"basculez vers {step.site}",
        Move.REINITIALISE: f"réinitialisez {step.site}",
        Move.PERSON: "choisissez le site dont les données sont gardées et réinitialisez l'autre",
    }[step.move]
    return f"Gestionnaire de bascule : {action} ({step.why}). À la fin, {nominal.code} est actif et l'autre passif."
