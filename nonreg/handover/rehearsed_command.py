"""A command of a rehearsal: what a person would type before an answer, run on the embedded platform only.

Its words go to the program as they are, without a shell; the program is this one (`python -m nonreg…`), nothing else.
It is run again when the rehearsal is resumed before the answer was recorded: it must bear that.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from nonreg.config import Platform
from nonreg.errors import UsageError
from nonreg.masking import Mask, list_secrets
from nonreg.people import find_reserved_keys

START = ("python", "-m")
EMBEDDED = "embarquee"
MODULE = re.compile(r"nonreg(\.[a-z_]+)*")
COMMAND_SECONDS = 1800.0


def read_command(text: str) -> tuple[str, ...]:
    """The words of a command; UsageError when it is not one of ours."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"Commande mal écrite : {text}") from error
    if words[:2] != START or len(words) < 3 or not MODULE.fullmatch(words[2]):
        raise UsageError(f"Une répétition ne lance que « python -m nonreg… », pas : {text}")
    return words


def require_rehearsal(platform: Platform, *, rehearsal: bool) -> None:
    """UsageError anywhere but in a rehearsal on a platform whose people nobody can be."""
    if not rehearsal:
        raise UsageError("Une commande écrite d'avance ne se lance que dans une répétition (--rehearsal).")
    if not is_embedded(platform):
        raise UsageError(
            f"Une commande écrite d'avance ne se lance que sur la plateforme embarquée, pas sur « {platform.name} »."
        )


def is_embedded(platform: Platform) -> bool:
    """True for a platform whose people anybody can be: their keys are reserved for it."""
    return platform.identity_token in find_reserved_keys().values()


def require_played(platform: Platform, *, rehearsal: bool) -> None:
    """UsageError for answers written beforehand where they would engage: only a person answers in earnest."""
    if not rehearsal and not is_embedded(platform):
        raise UsageError(
            "Des réponses écrites d'avance ne servent que dans une répétition (--rehearsal) : ici, chaque étape "
            "est répondue par une personne."
        )


def require_own_platform(platform: Platform, words: tuple[str, ...]) -> None:
    """UsageError for a command that names another platform than this one: argparse takes `--plat` for `--platform`."""
    for word, after in zip(words, (*words[1:], ""), strict=True):
        option, equals, value = word.partition("=")
        if len(option) < len("--p") or not "--platform".startswith(option):
            continue
        named = value if equals else after
        own = Path(platform.base_dir).resolve()
        if named != EMBEDDED and own not in Path(named).resolve().parents:
            raise UsageError(
                f"Une commande écrite d'avance ne porte que sur la plateforme embarquée, pas sur « {named} »."
            )


def run_command(platform: Platform, words: tuple[str, ...]) -> None:
    """Run it to its end; UsageError with its last words when it fails."""
    mask = Mask(list_secrets(platform))
    shown = mask.apply(" ".join(words))
    try:
        done = subprocess.run(
            [sys.executable, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"La commande {shown} n'a pas fini en {COMMAND_SECONDS:.0f} s.") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "sans un mot").splitlines()[-1]
        raise UsageError(f"La commande {shown} a échoué (code {done.returncode}) : {mask.apply(said)}")
