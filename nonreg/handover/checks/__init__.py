"""The automatic checks of the runbooks, by the name that a step gives (`check = "ssh"`); one subject a module."""

from __future__ import annotations

from nonreg.handover.checks.base import check_base
from nonreg.handover.checks.named_accounts import check_named_accounts
from nonreg.handover.checks.result import Check, CheckContext, CheckResult, Point
from nonreg.handover.checks.revoked import check_revoked
from nonreg.handover.checks.rights import check_rights
from nonreg.handover.checks.ssh import check_ssh
from nonreg.handover.checks.vpn import check_vpn
from nonreg.handover.checks.workstation import check_workstation

__all__ = ["CHECKS", "Check", "CheckContext", "CheckResult", "Point", "check_access"]


def check_access(context: CheckContext) -> CheckResult:
    """« acces »: VPN, hosts and databases together."""
    return CheckResult(
        tuple(point for check in (check_vpn, check_ssh, check_base) for point in check(context).points)
    )


CHECKS: dict[str, Check] = {
    "comptes_nommes": check_named_accounts,
    "droits": check_rights,
    "vpn": check_vpn,
    "ssh": check_ssh,
    "base": check_base,
    "acces": check_access,
    "poste": check_workstation,
    "acces_revoques": check_revoked,
}
