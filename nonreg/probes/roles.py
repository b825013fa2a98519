"""Roles of the sites: what each one says of itself and of the others, against the roles expected."""

from __future__ import annotations

from collections.abc import Mapping

from nonreg.model import SiteRole

Roles = Mapping[str, str]


def find_active(own: Roles) -> tuple[str, ...]:
    """Sites that say of themselves that they are active, in order of code."""
    return tuple(sorted(site for site, role in own.items() if role == SiteRole.ACTIF))


def compare_roles(expected: Roles, views: Mapping[str, Roles]) -> list[tuple[str, str, str, str]]:
    """Differences as (observer, site, expected role, role seen), each view against the expected roles."""
    differences = []
    for observer, seen in sorted(views.items()):
        for site in sorted(expected.keys() | seen.keys()):
            before, after = expected.get(site, "inconnu"), seen.get(site, "absent")
            if before != after:
                differences.append((observer, site, str(before), str(after)))
    return differences
