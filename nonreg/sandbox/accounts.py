"""The named accounts of one renfort on the embedded platform: their names, from the person's id alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass

WRITER_SUFFIX = "_ecriture"  # the switchover waits for whoever writes: it knows them by this


@dataclass(frozen=True, slots=True)
class NamedAccounts:
    """One account a use, so that none of them opens what another one does."""

    ssh: str
    reader: str
    writer: str
    client: str

    def list_all(self) -> tuple[str, ...]:
        """Each of them, as a people file declares them."""
        return (self.ssh, self.reader, self.writer, self.client)


def name_accounts(person_id: str) -> NamedAccounts:
    """The accounts of a person."""
    role = person_id.replace("-", "_")
    return NamedAccounts(
        f"{person_id}-ssh", f"{role}_lecture", f"{role}{WRITER_SUFFIX}", f"{person_id}-client"
    )
