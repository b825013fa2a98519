"""Roles of the sites: what each one says of itself and of the others, against the roles expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nonreg.model import SiteRole


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one observer at a site says: the site's own role and every site's role as it sees them."""

    observer: str
    site: str
    own_role: str
    roles: Mapping[str, str]
    request: str


def find_active(sightings: Iterable[Sighting]) -> tuple[str, ...]:
    """Sites that some observer of their own calls active, in order of code."""
    return tuple(sorted({one.site for one in sightings if one.own_role == SiteRole.ACTIF}))


def compare_roles(
    expected: Mapping[str, str], sightings: Iterable[Sighting]
) -> list[tuple[str, str, str, str]]:
    """Differences as (observer, site, expected role, role seen), each view against the expected roles."""
    differences = []
    for sighting in sightings:
        for site in sorted(expected.keys() | sighting.roles.keys()):
            before, after = expected.get(site, "inconnu"), sighting.roles.get(site, "absent")
            if before != after:
                differences.append((sighting.observer, site, str(before), str(after)))
        if sighting.own_role != sighting.roles.get(sighting.site):
            own = f"se dit {sighting.own_role}"
            differences.append(
                (sighting.observer, sighting.site, str(expected.get(sighting.site, "inconnu")), own)
            )
    return differences
