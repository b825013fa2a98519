"""Rights of the named accounts of people, apart from the reference: people come and go, what an account may do stays.

The account of somebody whose contract holds may have exactly the rights of one of the two accounts of the campaign,
which guard PRE-08 holds to the manifest; its rows are then left out. Anything else stays among the rows, and is a gap:
more rights, fewer, or those of somebody who has left.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from nonreg.basis import load_platform_people
from nonreg.clients.sql import Rows
from nonreg.config import Platform
from nonreg.people import People, explain_contract, simplify_account
from nonreg.working_time import PARIS


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


def list_held_accounts(people: People, at: datetime) -> tuple[str, ...]:
    """Named accounts of those who are valid and under contract at that moment. Pure."""
    today = at.astimezone(PARIS).date()
    held = [one for one in people.persons if one.is_valid(at) and not explain_contract(one, today)]
    return tuple(account for person in held for account in person.accounts)


def leave_out_people(rows: Rows, platform: Platform) -> Rows:
    """The same for a platform, now: accounts that its people file declares, against those that its file uses."""
    people = load_platform_people(platform)
    databases = [site.database for site in platform.sites if site.database is not None]
    return leave_out_personal(
        rows,
        list_held_accounts(people, datetime.now(UTC)) if people else (),
        [user for one in databases for user in (one.reader_user, one.writer_user)],
    )
