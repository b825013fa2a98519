"""A service stopped as an operator would, or killed as a crash would; a timer on its host starts it again."""

from __future__ import annotations

from nonreg.clients.ssh import describe_command, open_shell
from nonreg.faults import Description, Fault, register
from nonreg.faults.timers import cancel_timer
from nonreg.probes.units import read_unit
from nonreg.waiting import wait_until

BACK_SECONDS = 30.0
BREAKERS = {"service_stopped": ("service_stop", "arrêter"), "service_killed": ("service_kill", "tuer")}


class ServiceFault(Fault):
    """Parameter `service`: a unit's short name, `postgresql` included."""

    def describe(self) -> Description:
        command, verb = BREAKERS[self.kind]
        host, service = self.context.require_site().host, self.context.parameters["service"]
        return Description(
            action=f"{verb} le service {service} : {describe_command(command, service=service)}",
            healing=describe_command("service_start", service=service),
            hosts=(host.name,),
            dead_man=describe_command("service_start_later", **self._later()),
        )

    def inject(self, before: dict[str, str]) -> None:
        """The timer first, then the fault."""
        command, _ = BREAKERS[self.kind]
        with open_shell(self.context.platform, self.context.require_site().host) as shell:
            shell.run("service_start_later", **self._later()).require()
            shell.run(command, service=self.context.parameters["service"]).require()

    def heal(self, before: dict[str, str]) -> None:
        """Start it and see it running; the timer is taken away last."""
        service = self.context.parameters["service"]
        with open_shell(self.context.platform, self.context.require_site().host) as shell:
            shell.run("service_start", BACK_SECONDS, service=service).require()
            wait_until(
                lambda: read_unit(shell.run("service_state", service=service)).is_running,
                BACK_SECONDS,
                f"le service {service} ne redémarre pas",
            )
            cancel_timer(shell, self.context.timer)

    def _later(self) -> dict[str, str | int]:
        seconds = int(self.context.max_seconds)
        service = self.context.parameters["service"]
        return {"seconds": seconds, "timer": self.context.timer, "service": service}


@register("service_stopped")
class ServiceStopped(ServiceFault):
    """`systemctl stop`."""


@register("service_killed")
class ServiceKilled(ServiceFault):
    """SIGKILL to all of the unit's processes."""
