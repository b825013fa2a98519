"""Who answers behind the titulaire's address and number, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from nonreg.model.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody answers from a day on, until another one (not in it); None while no return is known.

    `directory` is the version of the directory that says so, `ended_by` why it ended before the return that was told.
    """

    person: str
    role: Role | None
    since: date
    until: date | None
    directory: str
    execution: str
    ended_by: str = ""

    def is_on(self, day: date) -> bool:
        """True when it is theirs to answer that day."""
        return self.since <= day and (self.until is None or day < self.until)
