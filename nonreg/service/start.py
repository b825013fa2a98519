"""`up`: what an installation is made of, started in order, each step shown when it is done.

What runs already is left alone, what is missing is started again, on the same port: campaigns under way go on. When a
step fails, what this start brought up is stopped.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from nonreg.alerts.settings import load_settings
from nonreg.config import PLATFORMS_VARIABLE
from nonreg.errors import NonregError, UsageError
from nonreg.files import read_json, read_text
from nonreg.prefect_home import DATABASE, describe_home, fill_home
from nonreg.service import family, stop
from nonreg.service.commands import ALERTS, AUTH_FILE, DATABASE_FILE
from nonreg.service.folder import PROJECT, Folder, State, create, hold, write_private
from nonreg.service.identity import INSTALLATION, Access, require_ours
from nonreg.service.pool import list_workers
from nonreg.waiting import DeadlinePassed, wait_until

HOST = "127.0.0.1"
DEFAULT_PORT = 4200
PLATFORM = "embarquee"
SERVER, WATCH = "serveur", "veille"
START_SECONDS = 120.0
POLL_SECONDS = 0.1
ERROR = re.compile(r"[\w.]*(Error|Exception|NotOurs)\b|Le serveur Prefect|.* already in use")
ADDRESS = re.compile(r"(://)[^/\s]*@")  # an account and its password
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked of `up`; no port: the usual one, or a free one when it is taken."""

    port: int | None = None
    workers: int = 1
    database: str = ""
    installation: str = ""
    platform: bool = True
    alerts: str = ""


class StepFailed(NonregError):
    """A step of `up` failed."""


def list_members(state: State) -> dict[str, list[str]]:
    """Every long-lived process of an installation by its name, in the order of their start, with its command."""
    members = {SERVER: ["server", "--host", HOST, "--port", str(state.port)]}
    for number in range(1, state.workers + 1):
        members[f"travailleur-{number}"] = ["worker", f"travailleur-{number}"]
    if state.alerts:
        members[WATCH] = ["watch"]
    return members


def extend(state: State, wish: Wish) -> State:
    """What an installation is to have: nothing that it has is taken away."""
    workers = max(state.workers, wish.workers)
    return replace(state, workers=workers, alerts=wish.alerts or state.alerts)


def up(folder: Folder, wish: Wish, say: Say) -> None:
    """Start what is not there; StepFailed in one sentence, with what was started stopped."""
    with hold(folder):
        before = folder.load()
        if before is not None and before.ready and not find_missing(folder, extend(before, wish)):
            say(f"Cette installation fonctionne déjà : {folder.root}")
            describe(folder, before, say)
            return
        Start(folder, wish, say).run(before)


def find_missing(folder: Folder, state: State) -> list[str]:
    """Names of the processes that should run and do not."""
    alive = {member.name for member in state.members if family.find(member) is not None}
    missing = [name for name in list_members(state) if name not in alive]
    if state.platform and not has_platform(folder):
        missing.append(PLATFORM)
    return missing


def has_platform(folder: Folder) -> bool:
    """True when the embedded platform's supervisor runs."""
    record = folder.platform / "pids" / "supervisor.json"
    with suppress(NonregError, KeyError, TypeError):
        found = read_json(record)
        return family.find(family.Member("", found["pid"], found["create_time"])) is not None
    return False


class Start:
    """One `up` under way."""

    def __init__(self, folder: Folder, wish: Wish, say: Say) -> None:
        self.folder = folder
        self.wish = wish
        self.say = say
        self.started: list[psutil.Process] = []

    def run(self, before: State | None) -> None:
        """All steps; on any failure what they started is ended."""
        began = time.monotonic()
        alive = before is not None and bool(family.find_marked(self.folder.root))
        deployed = before is not None and before.ready and alive
        self.state = before if before is not None and alive else self.prepare()
        self.state = replace(extend(self.state, self.wish), ready=False)
        self.folder.save(self.state)
        try:
            self.start_all(deployed)
        except BaseException:
            if alive:
                family.end(one for process in self.started for one in family.list_family(process))
            else:
                stop.end_processes(self.folder, lambda _line: None)
            raise
        self.state = replace(self.state, ready=True)
        self.folder.save(self.state)
        self.say(f"Installation prête en {time.monotonic() - began:.0f} s : {self.folder.root}")
        describe(self.folder, self.state, self.say)

    def prepare(self) -> State:
        """The folder with its secret, and a port that nobody holds."""
        port = choose_port(self.wish.port, self.say)
        state = create(self.folder, port, self.wish.workers, self.wish.installation or None)
        state = replace(state, platform=self.wish.platform)
        if not (self.folder.home / DATABASE).exists():
            fill_home(self.folder.home, keep=False)
        if self.wish.database:
            write_private(self.folder.database_file, read_database(self.wish.database) + "\n")
        write_private(self.folder.environment_file, render_environment(self.folder, state))
        return state

    def start_all(self, deployed: bool) -> None:
        """The steps in order; the platform starts beside the server."""
        if self.state.alerts:
            load_settings(Path(self.state.alerts))  # a watch that cannot start would be missed by nobody
        platform = self.start_platform()
        members = list_members(self.state)
        with self.step("serveur Prefect"):
            self.start_member(SERVER, members)
            self.wait_for_server()
        with self.step("identité de l'installation"):
            self.run_command("claim")
            require_ours(*access_of(self.folder, self.state))
        if not deployed:
            with self.step("groupe de travail et déploiements"):
                self.run_command("deploy")
        workers = [name for name in members if name not in (SERVER, WATCH)]
        with self.step(f"{len(workers)} travailleur(s)"):
            for name in workers:
                self.start_member(name, members)
            self.wait_for_workers(set(workers))
        if WATCH in members:
            with self.step("veille"):
                self.start_member(WATCH, members)
        if platform is not None:
            with self.step("plateforme embarquée"):
                self.wait_for_platform(platform)
        for name in members:
            self.check_alive(name)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what was done, and in how long."""
        began = time.monotonic()
        yield
        self.say(f"  ✔ {what:<36} {time.monotonic() - began:5.1f} s")

    def start_member(self, name: str, members: dict[str, list[str]]) -> None:
        """Start one process unless it runs, and record it at once."""
        if self.find(name) is not None:
            return
        process = self.spawn(["nonreg.service", *members[name]], name)
        with suppress(psutil.NoSuchProcess):
            born = psutil.Process(process.pid)
            others = tuple(member for member in self.state.members if member.name != name)
            member = family.Member(name, process.pid, born.create_time())
            self.state = replace(self.state, members=(*others, member))
            self.folder.save(self.state)

    def spawn(self, words: list[str], log_name: str) -> subprocess.Popen[bytes]:
        """Python in a session of its own, its output in a log."""
        with log_of(self.folder, log_name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                env=describe_environment(self.folder, self.state),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with suppress(psutil.NoSuchProcess):
            self.started.append(psutil.Process(process.pid))
        return process

    def find(self, name: str) -> psutil.Process | None:
        """The live process of that name."""
        return next((family.find(member) for member in self.state.members if member.name == name), None)

    def check_alive(self, name: str) -> psutil.Process:
        """StepFailed with the last line of its log when it ended."""
        process = self.find(name)
        if process is None:
            raise self.failed(name, "s'est arrêté")
        return process

    def failed(self, name: str, what: str) -> StepFailed:
        """The sentence for a process, with what it said last."""
        log = log_of(self.folder, name)
        words = read_last_words(log)
        return StepFailed(
            f"« {name} » {what}" + (f" : {words.rstrip('.')}." if words else ".") + f" Journal : {log}"
        )

    def wait_for_server(self) -> None:
        """Until the port is held by our server and nobody else, and it asks for the secret."""
        try:
            wait_until(
                lambda: family.holds_port(self.check_alive(SERVER), self.state.port),
                START_SECONDS,
                poll_seconds=POLL_SECONDS,
            )
        except DeadlinePassed as error:
            raise self.failed(SERVER, f"n'écoute pas sur le port {self.state.port}") from error

    def wait_for_workers(self, names: set[str]) -> None:
        """Until the server knows them."""
        url, auth, installation = access_of(self.folder, self.state)
        access = Access(url, auth, installation)

        def known() -> bool:
            for name in names:
                self.check_alive(name)
            return names <= list_workers(access)

        try:
            wait_until(known, START_SECONDS, poll_seconds=POLL_SECONDS)
        except DeadlinePassed as error:
            raise self.failed(sorted(names)[0], "ne s'annonce pas au serveur") from error

    def run_command(self, *words: str) -> None:
        """One command to its end."""
        process = self.spawn(["nonreg.service", *words], words[0])
        try:
            code = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self.failed(words[0], f"n'a pas fini en {START_SECONDS:g} s") from error
        if code != 0:
            raise self.failed(words[0], "a échoué")

    def start_platform(self) -> subprocess.Popen[bytes] | None:
        """Begin to start the embedded platform, on a network of its own, and give it its name."""
        if not self.state.platform or has_platform(self.folder):
            return None
        link = self.folder.platforms / f"{PLATFORM}.toml"
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder.platform / "platform.toml")
        words = ["nonreg.sandbox", "up", "--dir", str(self.folder.platform), "--network", "libre"]
        return self.spawn(words, PLATFORM)

    def wait_for_platform(self, process: subprocess.Popen[bytes]) -> None:
        """Until it is whole."""
        try:
            code = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self.failed(PLATFORM, f"n'est pas prête en {START_SECONDS:g} s") from error
        if code != 0 or not has_platform(self.folder):
            raise self.failed(PLATFORM, "n'a pas démarré")


def choose_port(wanted: int | None, say: Say) -> int:
    """The port wanted, or the usual one, or a free one; nobody is asked to leave."""
    if is_free(wanted or DEFAULT_PORT):
        return wanted or DEFAULT_PORT
    if wanted is not None:
        raise UsageError(f"Le port {wanted} est déjà pris : choisissez-en un autre (--port).")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    say(f"Le port {DEFAULT_PORT} est déjà pris par un autre programme : ce sera le port {port}.")
    return port


def is_free(port: int) -> bool:
    """True when a server may listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise UsageError(
                f"Le port {port} est réservé à l'administrateur : choisissez-en un autre."
            ) from error
        except OSError:
            return False
        return True


def read_database(given: str) -> str:
    """The database's URL, from the option or the file that it names."""
    url = given if "://" in given else read_text(Path(given)).strip()
    if not url.startswith("postgresql+asyncpg://") or not url.isprintable():
        raise UsageError(
            "La base du serveur doit être de la forme postgresql+asyncpg://compte:mot de passe@hôte:port/base."
        )
    return url


def access_of(folder: Folder, state: State) -> tuple[str, str, str]:
    """URL, secret and id."""
    return url_of(state), folder.secret(), state.installation


def url_of(state: State) -> str:
    """Address of the API."""
    return f"http://{HOST}:{state.port}/api"


def describe_environment(folder: Folder, state: State) -> dict[str, str]:
    """Environment of every process of an installation: nothing of the user's own Prefect."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    # A server that is away is awaited about two hours instead of a quarter of one (docs/pannes.md).
    own["PREFECT_CLIENT_MAX_RETRIES"] = "8"
    database = {DATABASE_FILE: str(folder.database_file)} if folder.database_file.exists() else {}
    alerts = {ALERTS: state.alerts} if state.alerts else {}
    return (
        own
        | database
        | alerts
        | describe_access(folder, state)
        | {
            family.MARK: str(folder.root),
            AUTH_FILE: str(folder.auth_file),
            "TMPDIR": str(folder.temporary),
        }
    )


def describe_access(folder: Folder, state: State) -> dict[str, str]:
    """What the processes and a terminal share; no secret."""
    return {
        **describe_home(folder.home),
        "PREFECT_API_URL": url_of(state),
        INSTALLATION: state.installation,
        AUTH_FILE: str(folder.auth_file),
        PLATFORMS_VARIABLE: str(folder.platforms),
        "AQUAREEL_NONREG_HOME": str(PROJECT),
    }


def render_environment(folder: Folder, state: State) -> str:
    """Lines for a shell, the secret included: the file is its owner's alone."""
    values = describe_access(folder, state) | {"PREFECT_API_AUTH_STRING": folder.secret()}
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def log_of(folder: Folder, name: str) -> Path:
    """Log of one process."""
    return folder.logs / f"{name}.log"


def read_last_words(log: Path) -> str:
    """What a process said last that explains its end: its last error, otherwise its last line."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line)]
    words = (errors or lines or [""])[-1]
    return ADDRESS.sub(r"\1…@", words)


def describe(folder: Folder, state: State, say: Say) -> None:
    """Addresses, how to log in, what to do next."""
    python = shlex.quote(os.path.relpath(sys.executable))
    own = "" if folder.root == PROJECT / ".installation" else f" --dir {shlex.quote(str(folder.root))}"
    say("")
    say(f"  Interface    http://{HOST}:{state.port}")
    say(f"               elle demande le secret : coller la ligne du fichier {folder.auth_file}")
    say(f"  API          {url_of(state)} (même secret ; sans lui, rien n'est servi)")
    if state.platform:
        say(f"  Plateforme   {PLATFORM} ({folder.platform / 'platform.toml'})")
    say(f"  Passages     {PROJECT / 'runs'}")
    say(f"  Journaux     {folder.logs}")
    say("")
    say("Ensuite :")
    say("  dans l'interface : Deployments, a-la-demande, Run ; « nuit » part chaque nuit à son heure")
    say(f"  dans un terminal : . {shlex.quote(str(folder.environment_file))}")
    say(f"                     {python} -m nonreg campaign --platform {PLATFORM}")
    say(f"  ce qui tourne    : {python} -m nonreg.service status{own}")
    say(f"  tout arrêter     : {'make down' if not own else f'{python} -m nonreg.service down{own}'}")
