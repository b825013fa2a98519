"""SSH servers that never get to a refusal: silent from the first byte on, silent or gone while they authenticate."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh


@contextmanager
def serve_silence() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


@contextmanager
def serve_hesitation(known_hosts: Path, *, closes: bool = False) -> Iterator[int]:
    """A sound server that is asked for a key and never answers, or hangs up; its host key is recorded."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    ready, port, loop = threading.Event(), [0], asyncio.new_event_loop()
    stop = asyncio.Event()

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self._conn = conn

        def begin_auth(self, username: str) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            if closes:
                self._conn.abort()
            await stop.wait()
            return False

    async def run() -> None:
        server = await asyncssh.create_server(
            Server, "127.0.0.1", 0, server_host_keys=[host_key], gss_host=None
        )
        port[0] = server.get_port()
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(30)
    public = host_key.export_public_key("openssh").decode().split()
    known_hosts.write_text(f"[127.0.0.1]:{port[0]} {public[0]} {public[1]}\n", encoding="ascii")
    try:
        yield port[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def write_other_key(file: Path) -> Path:
    """A private key that no host knows."""
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(file))
    return file
