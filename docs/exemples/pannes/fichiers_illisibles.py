"""A fault of one's own: unreadable files dropped in a site's exchange folder, as a partner's bad export would."""

from nonreg.clients.sftp import open_share
from nonreg.clients.ssh import open_shell
from nonreg.errors import RequestFailed
from nonreg.faults import Description, Fault, register

ENTRY, FOLDERS = "echange/entree", ("echange/entree", "echange/traites", "echange/rejets")
PREFIX = "nr_illisible_"


@register("unreadable_files")
class UnreadableFiles(Fault):
    """Parameter `count`: how many."""

    def describe(self) -> Description:
        host, count = self.context.require_site().host, self.context.parameters["count"]
        return Description(
            action=f"déposer {count} fichiers illisibles : sftp put {ENTRY}/{PREFIX}1.csv…",
            healing=f"effacer ces fichiers : sftp rm {PREFIX}* dans {', '.join(FOLDERS)}",
            hosts=(host.name,),
        )

    def inject(self, before: dict[str, str]) -> None:
        host, count = self.context.require_site().host, int(self.context.parameters["count"])
        with open_shell(self.context.platform, host) as shell, open_share(shell) as share:
            for number in range(1, count + 1):
                share.drop(ENTRY, f"{PREFIX}{number}.csv", b"\xff\xfe ceci n'est pas un export")

    def heal(self, before: dict[str, str]) -> None:
        host = self.context.require_site().host
        with open_shell(self.context.platform, host) as shell, open_share(shell) as share:
            for folder in FOLDERS:
                for name in share.list_files(folder):
                    if name.startswith(PREFIX):
                        share.remove(f"{folder}/{name}")
            left = [name for folder in FOLDERS for name in share.list_files(folder)]
        if any(name.startswith(PREFIX) for name in left):
            raise RequestFailed(f"Des fichiers {PREFIX}… restent sur {host.name}.")
