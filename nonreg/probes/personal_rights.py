"""Rights of the named accounts of people, apart from the reference: people come and go, what an account may do stays.

A named account may have exactly the rights of one of the two accounts of the campaign, which guard PRE-08 holds to the
manifest; its rows are then left out. Anything else stays among the rows, and is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable

from nonreg.basis import load_platform_people
from nonreg.clients.sql import Rows
from nonreg.config import Platform
from nonreg.people import simplify_account


def leave_out_personal(rows: Rows, personal: Iterable[str], models: Iterable[str]) -> Rows:
    """The rows (grantee, kind, object, privilege) without named accounts whose rights are those of a model. Pure."""
    own, allowed = {simplify_account(one) for one in personal}, {simplify_account(one) for one in models}
    rights: dict[str, set[tuple[object, ...]]] = {}
    for grantee, *right in rows.rows:
        rights.setdefault(simplify_account(str(grantee)), set()).add(tuple(right))
    left_out = {
        name for name in own & rights.keys() if any(rights[name] == rights.get(model) for model in allowed)
    }
    kept = tuple(row for row in rows.rows if simplify_account(str(row[0])) not in left_out)
    return Rows(rows.columns, kept, rows.request)


def leave_out_people(rows: Rows, platform: Platform) -> Rows:
    """The same for a platform: accounts that its people file declares, against those that its file uses."""
    people = load_platform_people(platform)
    databases = [site.database for site in platform.sites if site.database is not None]
    return leave_out_personal(
        rows,
        [account for person in (people.persons if people else ()) for account in person.accounts],
        [user for one in databases for user in (one.reader_user, one.writer_user)],
    )
