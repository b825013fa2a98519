"""`status`: what runs of an installation, and what does not."""

from __future__ import annotations

from collections.abc import Callable

from nonreg.errors import NonregError
from nonreg.service import family
from nonreg.service.folder import Folder
from nonreg.service.identity import require_ours
from nonreg.service.start import PLATFORM, access_of, describe, find_missing, list_members


def show(folder: Folder, say: Callable[[str], None]) -> int:
    """One line a process, the server's identity, the addresses; 0 when all runs, 1 otherwise."""
    state = folder.load()
    if state is None:
        say(f"Aucune installation dans {folder.root}.")
        return 1
    missing = find_missing(folder, state)
    names = [*list_members(state), *([PLATFORM] if state.platform else [])]
    say(f"Installation {state.installation} ({folder.root})")
    for name in names:
        say(f"  {name:<16} {'arrêté' if name in missing else 'actif'}")
    runs = family.find_runs(folder.root)
    if runs:
        say(f"  {len(runs)} campagne(s) en cours")
    if "serveur" in missing:
        say("Le serveur est arrêté : « up » relance ce qui manque.")
        return 1
    try:
        require_ours(*access_of(folder, state))
    except NonregError as error:
        say(str(error))
        return 1
    if missing:
        say("« up » relance ce qui manque.")
    describe(folder, state, say)
    return 1 if missing else 0
