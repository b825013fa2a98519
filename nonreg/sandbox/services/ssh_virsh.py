"""virsh on the hypervisor's host: the sites' machines, switched off without warning and on again."""

from __future__ import annotations

from nonreg.sandbox.control import OrderRefused, is_on, power_off, power_on
from nonreg.sandbox.services.ssh_host import Host, Output, fail, refuse, say
from nonreg.sandbox.services.ssh_units import find_machine


def run_virsh(host: Host, words: list[str]) -> Output:
    """`virsh destroy|start|domstate srv-X`; a start returns when everything of the machine answers."""
    if len(words) != 2 or words[0] not in ("destroy", "start", "domstate"):
        return refuse("virsh", *words)
    action, domain = words
    site = find_machine(domain)
    if site is None:
        return fail(f"error: failed to get domain '{domain}'")
    try:
        running = is_on(host.layout, site)
        if action == "domstate":
            return say("running\n" if running else "shut off\n")
        if action == "destroy":
            return _destroy(host, site, domain) if running else fail(_INVALID + "domain is not running")
        return fail("error: Domain is already active") if running else _start(host, site, domain)
    except OrderRefused as error:
        return fail(f"error: Failed to {action} domain '{domain}': {error}")


_INVALID = "error: Requested operation is not valid: "


def _destroy(host: Host, site: str, domain: str) -> Output:
    power_off(host.layout, site)
    return say(f"Domain '{domain}' destroyed\n")


def _start(host: Host, site: str, domain: str) -> Output:
    power_on(host.layout, site)
    return say(f"Domain '{domain}' started\n")
