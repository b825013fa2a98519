"""What the packs make worth an alert: a forfait that is nearly used up, a weekly review that nobody got. Pure.

Source: R43, R65, R70.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nonreg.alerts.facts import FORGOTTEN_AFTER, Fact, Kind, in_paris, stamp
from nonreg.ledger import LedgerEntry
from nonreg.model.steering import PackKind
from nonreg.steering.pack import FOLDER, KIND

WHOLE = 100


def tell_packs(
    platform: str, entries: Sequence[LedgerEntry], days: float, since: datetime, now: datetime
) -> tuple[Fact, ...]:
    """The forfait of the last pack, once a threshold and contract year; a weekly pack that is missing, once a gap."""
    packs = [one for one in entries if one.kind == KIND]
    found = (tell_forfait(platform, packs, now), tell_missing_pack(platform, packs, days, since, now))
    return tuple(one for one in found if one is not None)


def tell_forfait(platform: str, packs: Sequence[LedgerEntry], now: datetime) -> Fact | None:
    """The alert of a forfait that has reached its threshold, then the whole of it."""
    known = [one for one in packs if one.data.get("forfait")]
    if not known or now - known[-1].at > FORGOTTEN_AFTER:
        return None
    last = known[-1]
    forfait = last.data["forfait"]
    crossed = [limit for limit in (forfait["alert_percent"], WHOLE) if forfait["percent"] >= limit]
    if not crossed:
        return None
    warnings = "\n".join(f"  - {one}" for one in last.data.get("warnings", ()))
    return Fact(
        f"echeance/{platform}/forfait/{forfait['year']}/{max(crossed)}",
        Kind.DEADLINE,
        platform,
        f"Forfait support consommé à {forfait['percent']} % — {platform}",
        f"D'après la revue {last.data['pack']} du {in_paris(last.at)} :\n{warnings}",
        "Faites le point avec la MOA sur ce qui reste à faire dans le forfait et notez-le au ticket du COPIL. "
        f"Page : {FOLDER}/{last.data['pack']}/revue.html, dans le dossier des passages.",
        last.ticket,
        now,
    )


def tell_missing_pack(
    platform: str, packs: Sequence[LedgerEntry], days: float, since: datetime, now: datetime
) -> Fact | None:
    """The alert of a weekly review that was made once and is no more; nothing where none ever was."""
    weekly = [one for one in packs if one.data.get("meeting") == PackKind.WEEKLY]
    if not weekly or now - max(weekly[-1].at, since) <= timedelta(days=days):
        return None
    last = weekly[-1]
    return Fact(
        f"echeance/{platform}/revue/{stamp(last.at)}",
        Kind.DEADLINE,
        platform,
        f"Revue hebdomadaire absente depuis plus de {days:g} jours — {platform}",
        f"La dernière revue, {last.data['pack']}, est du {in_paris(last.at)}.",
        "Vérifiez le déploiement « hebdo » (serveur, travailleur, planification), puis établissez-la : "
        "python -m nonreg steering hebdo.",
        last.ticket,
        now,
    )
