"""A whole machine switched off through its hypervisor, which switches it on again by itself after a while."""

from __future__ import annotations

from nonreg.clients.ssh import describe_command, open_shell
from nonreg.config import Host
from nonreg.errors import ConfigError, PlatformError
from nonreg.faults import Description, Fault, register
from nonreg.faults.timers import cancel_timer
from nonreg.waiting import observe_until

BACK_SECONDS = 60.0
RUNNING = "running"


@register("machine_off")
class MachineOff(Fault):
    """The power of one site's host."""

    def describe(self) -> Description:
        machine = self.context.require_site().host.name
        hypervisor = self._hypervisor()
        return Description(
            action=f"couper l'alimentation de {machine} : {describe_command('machine_off', machine=machine)}",
            healing=describe_command("machine_on", machine=machine),
            hosts=(machine, hypervisor.name),
            dead_man=describe_command("machine_on_later", **self._later()),
        )

    def inject(self, before: dict[str, str]) -> None:
        """The timer first: we may be cut off from everything that could help."""
        with open_shell(self.context.platform, self._hypervisor()) as shell:
            shell.run("machine_on_later", **self._later()).require()
            shell.run("machine_off", machine=self.context.require_site().host.name).require()

    def heal(self, before: dict[str, str]) -> None:
        """Switch it on, and see its own SSH server answer."""
        site = self.context.require_site()
        machine = site.host.name
        with open_shell(self.context.platform, self._hypervisor()) as shell:
            if shell.run("machine_state", machine=machine).require().strip() != RUNNING:
                shell.run("machine_on", BACK_SECONDS, machine=machine).require()
            cancel_timer(shell, self.context.timer)
        problem = observe_until(self._find_problem, lambda found: not found, BACK_SECONDS, 0.2)
        if problem:
            raise problem[0]

    def _find_problem(self) -> tuple[PlatformError, ...]:
        try:
            with open_shell(self.context.platform, self.context.require_site().host) as shell:
                shell.run("clock").require()
        except PlatformError as error:
            return (error,)
        return ()

    def _hypervisor(self) -> Host:
        hypervisor = self.context.platform.drills.hypervisor
        if hypervisor is None:
            raise ConfigError(
                f"La plateforme « {self.context.platform.name} » n'a pas de [drills.hypervisor] : "
                'remplacez cette panne par « by_hand » ([drills.replace] machine_off = "by_hand").'
            )
        return hypervisor

    def _later(self) -> dict[str, str | int]:
        machine = self.context.require_site().host.name
        return {"seconds": int(self.context.max_seconds), "timer": self.context.timer, "machine": machine}
