"""Files on a site's host over SFTP: small ones, whole, dropped in one move; errors translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from nonreg.clients.late import paramiko
from nonreg.clients.ssh import Shell
from nonreg.errors import RequestFailed, Unreachable


class FileShare:
    """The folders of one host; paths start at the site's folder. Each method's `request` is what it asks."""

    def __init__(self, client: paramiko.SFTPClient, host_name: str) -> None:
        self._client = client
        self._host_name = host_name

    def request(self, verb: str, path: str) -> str:
        """An operation as the report shows it."""
        return f"sftp {self._host_name} {verb} {path}"

    def list_files(self, folder: str) -> dict[str, datetime]:
        """Names in a folder, with the time (UTC) of their last change."""
        with self._translated("ls", folder):
            return {
                entry.filename: datetime.fromtimestamp(entry.st_mtime or 0, UTC)
                for entry in self._client.listdir_attr(folder)
            }

    def read(self, path: str) -> bytes:
        """All of a file."""
        with self._translated("get", path), self._client.open(path, "rb") as file:
            file.prefetch()
            return file.read()

    def drop(self, folder: str, name: str, data: bytes, changed_at: datetime | None = None) -> str:
        """Write a file under a temporary name, then give it its own, so that nobody reads half of it.

        `changed_at` makes it look older than it is. Returns the request.
        """
        path, partial = f"{folder}/{name}", f"{folder}/.{name}.part"
        with self._translated("put", path):
            with self._client.open(partial, "wb") as file:
                file.write(data)
            if changed_at is not None:
                self._client.utime(partial, (changed_at.timestamp(), changed_at.timestamp()))
            self._client.rename(partial, path)
        return self.request("put", path)

    def remove(self, path: str) -> None:
        """Delete a file; one that is no longer there is no error."""
        with self._translated("rm", path):
            try:
                self._client.remove(path)
            except FileNotFoundError:
                return

    @contextmanager
    def _translated(self, verb: str, path: str) -> Iterator[None]:
        request = self.request(verb, path)
        try:
            yield
        except TimeoutError as error:
            raise Unreachable(f"{request} : pas de réponse à temps.") from error
        except (EOFError, ConnectionError, paramiko.SSHException) as error:
            raise Unreachable(f"{request} : liaison perdue.") from error
        except OSError as error:
            raise RequestFailed(f"{request} : {error.strerror or error}.") from error


@contextmanager
def open_share(shell: Shell) -> Iterator[FileShare]:
    """The host's folders, over its open SSH connection."""
    with shell.sftp() as client:
        yield FileShare(client, shell.host.name)
