"""SSH server of one host: a key for each user, listed commands, SFTP inside the site's folder.

One technical user, and the named accounts that are authorised at the moment of each connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

from nonreg.sandbox.authorised import access_file, read_authorised
from nonreg.sandbox.layout import DATABASE_SITES, HYPERVISOR, Layout, load_layout
from nonreg.sandbox.services.logs import open_log
from nonreg.sandbox.services.runtime import parse_arguments
from nonreg.sandbox.services.ssh_commands import run_command
from nonreg.sandbox.services.ssh_host import Host

LOG = logging.getLogger("ssh")
PARALLEL_COMMANDS = 32
SWITCHOVER = "bascule"
SWITCHOVER_WORDS = {"--vers", *DATABASE_SITES, "--etat", "--force", "--reinitialiser"}
LOGIN_SECONDS = 10


def make_server(user: str, allowed: asyncssh.SSHKey, named: Path) -> type[asyncssh.SSHServer]:
    """The class of connections: that user with that key, those of the file of named accounts, nothing else."""

    class KnownUsers(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            if username == user:
                return bool(key == allowed)
            own = read_authorised(named).ssh.get(username)
            return own is not None and bool(key == asyncssh.import_public_key(own))

    return KnownUsers


class ConfinedSFTP(asyncssh.SFTPServer):
    """SFTP that sees the site's folder as its root; links can neither be followed out of it nor made."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: bytes) -> None:
        super().__init__(channel, chroot=root)
        self._root = os.path.realpath(root)

    def map_path(self, path: bytes) -> bytes:
        """The real path; SFTPPermissionDenied when a link leads out of the folder."""
        mapped: bytes = super().map_path(path)
        real = os.path.realpath(mapped)
        if real != self._root and not real.startswith(self._root + b"/"):
            raise asyncssh.SFTPPermissionDenied("chemin hors du dossier du site")
        return mapped

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Refused."""
        raise asyncssh.SFTPPermissionDenied("les liens sont refusés")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Refused."""
        raise asyncssh.SFTPPermissionDenied("les liens sont refusés")


class Commands:
    """Runs the clients' commands side by side."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._pool = ThreadPoolExecutor(PARALLEL_COMMANDS)

    async def handle(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """One command of one client."""
        line = process.command
        if line is None:
            process.stderr.write(b"connexion interactive refus\xc3\xa9e\n")
            process.exit(127)
            return
        try:
            words = line.split()
            if self._is_switchover(words):
                code = await self._switch_over(process, words[1:])
                LOG.info("commande %r : code %d", line, code)
                process.exit(code)
                return
            output = await asyncio.get_running_loop().run_in_executor(
                self._pool, run_command, self._host, line
            )
            for stream, data in ((process.stdout, output.stdout), (process.stderr, output.stderr)):
                if data:
                    stream.write(data)
                    await stream.drain()
            LOG.info("commande %r : code %d", line[:200], output.exit_code)
            process.exit(output.exit_code)
        except (BrokenPipeError, ConnectionError, asyncssh.Error):
            process.close()  # the client left

    def _is_switchover(self, words: list[str]) -> bool:
        installed = self._host.site != HYPERVISOR
        return installed and words[:1] == [SWITCHOVER] and set(words[1:]) <= SWITCHOVER_WORDS

    async def _switch_over(self, process: asyncssh.SSHServerProcess[bytes], words: list[str]) -> int:
        tool = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "nonreg.sandbox.switchover", "--dir", str(self._host.layout.root)),
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await asyncio.gather(_forward(tool.stdout, process.stdout), _forward(tool.stderr, process.stderr))
        return await tool.wait()


async def _forward(source: Any, target: Any) -> None:
    # To the end, also when the client has left: a switchover must not stop halfway because nobody looks.
    while data := await source.readline():
        with suppress(OSError):
            target.write(data)


async def serve(layout: Layout, site: str, options: dict[str, Any], host_key: str, client_key: str) -> None:
    """Listen until SIGTERM or SIGINT."""
    host = Host(layout, site)
    root = os.fsencode(host.folder)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncssh.create_server(
        make_server(
            str(options["utilisateur"]),
            asyncssh.read_public_key(client_key),
            access_file(layout.root, site),
        ),
        layout.address(site),
        int(options["port"]),
        server_host_keys=[host_key],
        process_factory=Commands(host).handle,
        sftp_factory=None if site == HYPERVISOR else lambda channel: ConfinedSFTP(channel, root),
        reuse_address=True,  # a killed server's connections keep its port for a minute
        encoding=None,
        line_editor=False,
        allow_pty=False,
        agent_forwarding=False,
        password_auth=False,
        kbdint_auth=False,
        gss_host=None,
        login_timeout=LOGIN_SECONDS,
    )
    await stop.wait()
    server.close()


def main() -> None:
    """Run until stopped."""
    settings = parse_arguments("ssh")
    log = open_log(settings.log_file, "ssh")
    layout = load_layout(settings.path("instance"))
    if layout is None:
        raise SystemExit("instance introuvable")
    log.info("démarré, version %s", settings.version)
    host_key, client_key = str(settings.path("cle_hote")), str(settings.path("cles_autorisees"))
    asyncio.run(serve(layout, settings.site, settings.options, host_key, client_key))
    log.info("arrêté")
    os._exit(0)


if __name__ == "__main__":
    main()
