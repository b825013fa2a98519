"""What did not reach its ticket, as alerts of the watch; and the watch delivers what waits, of every box that it finds.

boite-d-envoi/suivi-PLATFORM/SINCE              notes have waited too long; SINCE is when the oldest was made
boite-d-envoi/suivi-PLATFORM/cle/SINCE          the key is refused: told at once
boite-d-envoi/suivi-PLATFORM/refuse/TICKET/SINCE     the account may not write in that ticket: told at once
boite-d-envoi/suivi-PLATFORM/ecartee/TICKET/SINCE    notes that the tracker will never take as they are
boite-d-envoi/suivi-PLATFORM/arret/HASH              events do not reach the box, or it cannot be read; HASH is of why
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from nonreg.alerts.facts import Fact, Kind, in_paris, list_bullets, stamp
from nonreg.alerts.settings import AlertSettings
from nonreg.config import load_platform
from nonreg.errors import ConfigError, NonregError
from nonreg.ledger import FILE as LEDGER
from nonreg.ledger import read_entries
from nonreg.masking import conceal
from nonreg.tracker.collect import is_told
from nonreg.tracker.delivery import Standing, State
from nonreg.tracker.items import Waiting
from nonreg.tracker.outbox import FOLDER, STATE, TrackerOutbox
from nonreg.tracker.posting import check_progress, collect, post
from nonreg.wording import plural

ROUND_SECONDS = 60.0  # for all trackers together: what is left waits for the next round
COMMAND = "python -m nonreg tracker"


@dataclass(frozen=True, slots=True)
class Held:
    """One note that is not delivered."""

    waiting: Waiting
    standing: Standing

    @property
    def subject(self) -> str:
        """What it tells, and where."""
        first = self.waiting.item.text.splitlines()[0]
        return f"{self.waiting.item.ticket or 'ticket de régression'} : {first}"


def list_boxes(runs_dir: Path) -> tuple[TrackerOutbox, ...]:
    """Every box of a folder of runs."""
    return tuple(
        TrackerOutbox(runs_dir, file.parent.name) for file in sorted((runs_dir / FOLDER).glob(f"*/{STATE}"))
    )


def look_at_tracker(box: TrackerOutbox, after_seconds: float, now: datetime) -> tuple[Fact, ...]:
    """The alerts of one box."""
    unreadable: list[str] = []
    held = [Held(one, box.standing(one, now)) for one in box.list_waiting(unreadable)]
    facts = tell_unposted(box.platform, held, after_seconds, now)
    why = next(iter(unreadable), "") or find_uncollected(box, now - timedelta(seconds=after_seconds))
    return (*facts, _tell_stopped(box.platform, why, now)) if why else facts


def find_uncollected(box: TrackerOutbox, before: datetime) -> str:
    """Why events of the ledger do not reach the box, in French; empty when they do, or when none has to any more."""
    progress, entries = box.load_progress(), read_entries(box.runs_dir / LEDGER)
    if progress is None or not entries or not progress.ledger_id or not is_followed(progress.platform_file):
        return ""
    try:
        check_progress(progress, entries, box)
    except ConfigError as error:
        return str(error)
    for entry in entries[progress.collected :]:
        if entry.platform == box.platform and is_told(entry) and entry.at <= before:
            return (
                f"la ligne {entry.sequence} du registre, du {in_paris(entry.at)}, n'est pas dans la boîte d'envoi, "
                "ni ce qui la suit."
            )
    return ""


def is_followed(platform_file: str) -> bool:
    """False for a platform that names no tracker any more; True for one whose file cannot be read."""
    try:
        return load_platform(platform_file).tracker is not None if platform_file else False
    except NonregError:
        return True


def tell_unposted(
    platform: str, held: Iterable[Held], after_seconds: float, now: datetime
) -> tuple[Fact, ...]:
    """One alert for what has waited too long, one for a refused key, one for each ticket that takes nothing."""
    facts = []
    waiting, aside, refused = [], dict[str, list[Held]](), dict[str, list[Held]]()
    for one in held:
        target = one.waiting.item.target
        if one.standing.state is State.ASIDE:
            aside.setdefault(target, []).append(one)
        elif one.standing.state is not State.DELIVERED:
            if one.standing.alone or target in refused:
                refused.setdefault(target, []).append(one)
            else:
                waiting.append(one)
    denied = next((one for one in waiting if one.standing.denied), None)
    if denied is not None:
        facts.append(_tell_denied(platform, denied, len(waiting), now))
    elif waiting and now - waiting[0].waiting.since >= timedelta(seconds=after_seconds):
        facts.append(_tell_late(platform, waiting, now))
    facts += [_tell_refused(platform, ticket, kept, now) for ticket, kept in refused.items()]
    facts += [_tell_aside(platform, ticket, kept, now) for ticket, kept in aside.items()]
    return tuple(facts)


def collect_all(settings: AlertSettings, now: datetime) -> None:
    """What happened while nobody looked goes into the boxes, before they are looked at; what cannot is told there."""
    for name in list_platforms(settings, []):
        with suppress(Exception):  # whatever it is, `deliver_all` meets it again and tells it
            platform = load_platform(name)
            if platform.tracker is not None:
                collect(platform, settings.folder(), now, platform_file=name)


def deliver_all(
    settings: AlertSettings, clock: Callable[[], datetime]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Collect and deliver for every platform of the settings and every box; what was done, and what could not be."""
    said: list[str] = []
    problems: list[str] = []
    until = clock() + timedelta(seconds=ROUND_SECONDS)
    for name in list_platforms(settings, problems):
        try:
            platform = load_platform(name)
        except NonregError as error:
            problems.append(f"Suivi : {error}")
            continue
        done = post(platform, settings.folder(), platform_file=name, until=until, clock=clock)
        problems += [f"Suivi de {platform.name} : {one}" for one in done.problems]
        said += [f"Suivi de {platform.name} : {one}" for one in done.told]
    return tuple(said), tuple(problems)


def list_platforms(settings: AlertSettings, problems: list[str]) -> tuple[str, ...]:
    """The platform files to look after: those of the settings, and those that boxes name."""
    found: dict[str, None] = {}
    for name in settings.platforms:
        found[str(settings.base_dir / name) if name.endswith(".toml") else name] = None
    known = set()
    for name in found:
        try:
            known.add(load_platform(name).name)
        except NonregError:
            continue  # said where it is used
    for box in list_boxes(settings.folder()):
        try:
            progress = box.load_progress()
        except ConfigError as error:
            problems.append(str(error))
            continue
        if box.platform not in known and progress is not None and progress.platform_file:
            found[progress.platform_file] = None
    return tuple(found)


def _tell_late(platform: str, kept: list[Held], now: datetime) -> Fact:
    oldest = kept[0]
    reason = oldest.standing.detail or "aucun essai"
    return Fact(
        f"boite-d-envoi/suivi-{quote(platform, safe='')}/{stamp(oldest.waiting.item.at)}",
        Kind.OUTBOX,
        platform,
        f"Suivi bloqué — {platform}",
        f"{plural(len(kept), 'note attend', 'notes attendent')} d'être écrites dans les tickets, la plus ancienne "
        f"depuis le {in_paris(oldest.waiting.item.at)}. Dernier refus : {conceal(reason)}\n"
        + "\n".join(list_bullets([one.subject for one in kept])),
        f"Corrigez ce que le refus nomme, puis vérifiez : {COMMAND} check ; {COMMAND} deliver envoie sans attendre. "
        "Rien n'est perdu : ce qui attend partira de soi-même, dans l'ordre.",
        oldest.waiting.item.ticket,
        now,
    )


def _tell_stopped(platform: str, why: str, now: datetime) -> Fact:
    mark = hashlib.sha256(why.encode("utf-8", "replace")).hexdigest()[:12]
    return Fact(
        f"boite-d-envoi/suivi-{quote(platform, safe='')}/arret/{mark}",
        Kind.OUTBOX,
        platform,
        f"Suivi arrêté — {platform}",
        f"Des événements n'arrivent plus dans leurs tickets : {conceal(why)}",
        f"Voyez pourquoi : {COMMAND} deliver ; corrigez ce qu'il nomme. Le registre garde ces événements.",
        "",
        now,
    )


def _tell_denied(platform: str, denied: Held, count: int, now: datetime) -> Fact:
    since = denied.standing.since or now
    return Fact(
        f"boite-d-envoi/suivi-{quote(platform, safe='')}/cle/{stamp(since)}",
        Kind.OUTBOX,
        platform,
        f"Clé du suivi refusée — {platform}",
        f"La plateforme de suivi refuse notre compte depuis le {in_paris(since)} : {conceal(denied.standing.detail)}\n"
        f"{plural(count, 'note attend', 'notes attendent')}.",
        f"Renouvelez la clé (variable d'environnement de [tracker] key_env), puis vérifiez : {COMMAND} check. "
        "Rien n'est perdu : ce qui attend partira de soi-même, dans l'ordre.",
        denied.waiting.item.ticket,
        now,
    )


def _tell_refused(platform: str, ticket: str, kept: list[Held], now: datetime) -> Fact:
    first = kept[0]
    since = first.standing.since or now
    return Fact(
        f"boite-d-envoi/suivi-{quote(platform, safe='')}/refuse/{quote(ticket, safe='')}/{stamp(since)}",
        Kind.OUTBOX,
        platform,
        f"Ticket refusé à notre compte — {platform}, {ticket}",
        f"{plural(len(kept), 'note attend', 'notes attendent')} : {conceal(first.standing.detail)}\n"
        + "\n".join(list_bullets([one.subject for one in kept])),
        f"Donnez ce droit au rôle du compte, ou rouvrez le ticket ; puis {COMMAND} deliver envoie sans attendre. Les "
        "autres tickets n'attendent pas celui-ci. Rien n'est perdu : ce qui attend partira de soi-même, dans l'ordre.",
        first.waiting.item.ticket,
        now,
    )


def _tell_aside(platform: str, ticket: str, kept: list[Held], now: datetime) -> Fact:
    first = kept[0]
    since = first.standing.since or first.waiting.item.at
    return Fact(
        f"boite-d-envoi/suivi-{quote(platform, safe='')}/ecartee/{quote(ticket, safe='')}/{stamp(since)}",
        Kind.OUTBOX,
        platform,
        f"Notes écartées du suivi — {platform}, {ticket}",
        f"Le suivi n'a pas pris {plural(len(kept), 'note', 'notes')} : {conceal(first.standing.detail)}\n"
        + "\n".join(list_bullets([one.subject for one in kept])),
        f"Corrigez (ticket à créer, à rouvrir, ou autre référence), puis : {COMMAND} resend (--ticket pour une autre "
        f"référence). {COMMAND} status les liste ; les autres notes ne les attendent pas.",
        first.waiting.item.ticket,
        now,
    )
