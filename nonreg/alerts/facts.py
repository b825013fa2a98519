"""What is worth an alert, decided from values alone; a fact's key names it for good, so that it is told once.

    verdict/PLATFORM/RUN            a published campaign is KO or INCOMPLET
    nuit-manquee/PLATFORM/…/DATE    a planned campaign of that deployment has no published report in time
    travailleur/POOL/SINCE          too few workers are alive; SINCE is the last sign of the one that is missing, or
                                    jamais/ and when it was first missed
    serveur/SINCE                   Prefect's API does not answer
    reprise/PLATFORM/DATE           what a dead campaign left could not be put back that day
    boite-d-envoi/CHANNEL/…         alerts that did not leave, or of which nobody knows whether they did
    boite-d-envoi/suivi-PLATFORM/…  notes that did not reach their tickets (nonreg.alerts.tracker)
    echeance/PLATFORM/ID/AT/…       a deadline is nearer than a threshold (24h, 2jo), or past (0)
    echeance/PLATFORM/disponibilite/MEASURE     that measure of the readiness found causes that were not there before
    echeance/PLATFORM/suivi/SINCE               nobody followed the service up since then
    echeance/PLATFORM/revue/SINCE               there was no weekly pack since then
    echeance/PLATFORM/forfait/YEAR/PERCENT      the forfait of that contract year is used up to that threshold
    essai/…                         a trial message

What a report says is masked again before it leaves: a mail goes further than a folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from nonreg.masking import conceal
from nonreg.model import CampaignReport, Change, Verdict, Waiver
from nonreg.wording import plural
from nonreg.working_time import PARIS, WorkingTime, explain_day_off

SHOWN_LINES = 10
FORGOTTEN_AFTER = timedelta(days=7)  # a watch that starts again does not tell of the past
BAD_VERDICTS = (Verdict.KO, Verdict.INCOMPLET)


class Kind(StrEnum):
    """What a fact is about; channels choose by it."""

    VERDICT = "verdict"
    MISSED_NIGHT = "nuit-manquee"
    WORKER = "travailleur"
    SERVER = "serveur"
    RECOVERY = "reprise"
    OUTBOX = "boite-d-envoi"
    DEADLINE = "echeance"
    TRIAL = "essai"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to tell, in French; `key` is the same whoever sees it and however often."""

    key: str
    kind: Kind
    platform: str
    subject: str
    text: str
    what_to_do: str
    ticket: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker of the pool and its last sign of life."""

    name: str
    last_heartbeat: datetime


@dataclass(frozen=True, slots=True)
class RecoverySeen:
    """The last « reprise » that ended, as the server tells it."""

    platform: str
    name: str
    has_failed: bool
    message: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One alert that one channel has not delivered; `unknown` when it may have left, `abandoned` when it will not."""

    channel: str
    key: str
    subject: str
    since: datetime
    reason: str
    unknown: bool = False
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something due, with how many hours, or working days, before it is worth an alert; `person` is an id.

    `note` is said after the deadline: the other reading of a delay, for instance.
    """

    id: str
    title: str
    at: datetime
    person: str
    ticket: str
    thresholds_hours: tuple[float, ...]
    thresholds_working_days: tuple[int, ...] = ()
    what_to_do: str = ""
    note: str = ""


def in_paris(at: datetime) -> str:
    """`23/11/2026 à 01:30 (heure de Paris, UTC+1)`: the offset tells the two 02:30 of an autumn night apart."""
    local = at.astimezone(PARIS)
    hours = int((local.utcoffset() or timedelta()).total_seconds() // 3600)
    return f"{local:%d/%m/%Y à %H:%M} (heure de Paris, UTC+{hours})"


def stamp(at: datetime) -> str:
    """An instant as part of a key."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def tell_verdict(
    report: CampaignReport, title: str, run_dir: Path, deployment: str, reports_url: str = ""
) -> Fact | None:
    """The alert of a published campaign, None for one that passed; `title` is the name of its flow run."""
    plan, verdict = report.run.plan, report.assessment.verdict
    if verdict not in BAD_VERDICTS:
        return None
    titles = {found.id: found.title for found in plan.scenarios}
    regressions = [
        f"{found.scenario_id} {titles.get(found.scenario_id, '')} — {found.outcome} : {found.note}"
        for found in report.assessment.findings
        if found.change is Change.REGRESSION
    ]
    lines = [
        f"Verdict {verdict} sur la plateforme « {plan.platform.title} » ({plan.platform.name}), "
        f"version {plan.platform.application_version}.",
        f"Campagne commencée le {in_paris(report.run.started_at)}.",
        "",
        "Motifs :",
        *list_bullets(report.assessment.reasons),
    ]
    if regressions:
        lines += ["", "Bons auparavant, en échec maintenant :", *list_bullets(regressions)]
    lines += ["", f"Rapport : {run_dir.resolve() / 'report.html'}"]
    if reports_url:
        lines.append(f"          {reports_url}/{quote(run_dir.name)}/report.html")
    if verdict is Verdict.KO:
        advice = (
            "Ouvrez le rapport, puis la fiche de chaque régression (dossier triage/ du passage) et joignez-la au "
            f"ticket {plan.ticket}. Aucune intervention sensible d'ici là. Un écart accepté demande une dérogation "
            "signée : python -m nonreg waive."
        )
    else:
        advice = (
            "Rien n'est prouvé pour cette version : rétablissez ce que les motifs nomment (accès, délai, fichier de "
            f"référence), puis relancez la campagne (déploiement « {deployment} »). Suivi au ticket {plan.ticket}."
        )
    return Fact(
        f"verdict/{plan.platform.name}/{plan.run_id}",
        Kind.VERDICT,
        plan.platform.name,
        f"{verdict} — {title or plan.run_id}",
        "\n".join(lines),
        advice,
        plan.ticket,
        report.generated_at,
    )


def tell_worker(
    pool: str,
    workers: Iterable[WorkerSeen],
    expected: int,
    silence_seconds: float,
    now: datetime,
    short_since: datetime,
) -> Fact | None:
    """The alert of a pool with fewer living workers than expected; one that returns and leaves again is another.

    `short_since` is when that was first seen: it names what has no last sign of life.
    """
    limit = now - timedelta(seconds=silence_seconds)
    seen = sorted(workers, key=lambda one: one.last_heartbeat)
    alive = [one for one in seen if one.last_heartbeat >= limit]
    gone = [one for one in seen if one.last_heartbeat < limit]
    if len(alive) >= expected:
        return None
    if gone:
        sign, mark = gone[-1], stamp(gone[-1].last_heartbeat)
        last = f"Dernier signe de « {sign.name} » : {in_paris(sign.last_heartbeat)}."
    else:
        mark = f"jamais/{stamp(short_since)}"
        last = "Les autres ne se sont jamais annoncés." if alive else "Aucun ne s'est jamais annoncé."
    effect = (
        "Les campagnes planifiées partent, moins nombreuses à la fois."
        if alive
        else "Tant qu'il manque, aucune campagne planifiée ne part."
    )
    return Fact(
        f"travailleur/{pool}/{mark}",
        Kind.WORKER,
        "",
        f"Travailleur absent — groupe « {pool} » ({len(alive)} en vie sur {expected})",
        f"Le groupe de travail « {pool} » a {plural(len(alive), 'travailleur', 'travailleurs')} en vie, "
        f"il en faut {expected}. {last}\n{effect}",
        "Sur la machine du travailleur : systemctl status, puis systemctl restart, de son service ; une installation "
        "d'une commande : make up, qui relance ce qui manque. Ne relancez pas aussitôt une campagne qu'il exécutait : "
        "elle finit seule, ou « reprise » guérit la plateforme et publie ; son passage le dit.",
        "",
        now,
    )


def tell_server(down_since: datetime, reason: str, tolerance_seconds: float, now: datetime) -> Fact | None:
    """The alert of an API that has not answered since then; None while it is too early to say."""
    if now - down_since < timedelta(seconds=tolerance_seconds):
        return None
    return Fact(
        f"serveur/{stamp(down_since)}",
        Kind.SERVER,
        "",
        "Serveur Prefect injoignable",
        f"L'API de Prefect ne répond plus depuis le {in_paris(down_since)} : {conceal(reason)}\n"
        "Aucune campagne n'est planifiée ni montrée tant qu'elle se tait.",
        "Sur la machine du serveur : systemctl status, puis systemctl restart, de son service ; vérifiez la place "
        "disque et la base de données. Une campagne en cours se termine seule et publie son rapport.",
        "",
        now,
    )


def tell_recovery(last: RecoverySeen | None, now: datetime) -> Fact | None:
    """The alert of a platform that is not as it was found, once a day while it lasts."""
    if last is None or not last.has_failed or now - last.ended_at > FORGOTTEN_AFTER:
        return None
    day = last.ended_at.astimezone(PARIS).date()
    return Fact(
        f"reprise/{quote(last.platform, safe='')}/{day}",
        Kind.RECOVERY,
        last.platform,
        f"Plateforme à remettre en état — {last.platform}",
        f"« {last.name} » a échoué le {in_paris(last.ended_at)} : {conceal(last.message)}\n"
        "Ce qu'une campagne arrêtée a laissé n'a pas pu être repris jusqu'au bout : une panne d'exercice, des données "
        "d'essai, ou un rapport.",
        "Lisez ce passage dans Prefect, puis : python -m nonreg heal --platform PLATEFORME. La campagne suivante "
        "essaie aussi, et refuse de partir si la plateforme n'est pas guérie.",
        "",
        now,
    )


def tell_undelivered(waiting: Iterable[Undelivered], after_seconds: float, now: datetime) -> tuple[Fact, ...]:
    """One alert for each channel that has kept something too long, one for each that will not leave it any more."""
    facts = []
    late: dict[str, list[Undelivered]] = {}
    for one in sorted(waiting, key=lambda one: (one.since, one.key)):
        if now - one.since > FORGOTTEN_AFTER:
            continue
        if one.unknown or one.abandoned:
            facts.append(_tell_lost(one, now))
        elif now - one.since >= timedelta(seconds=after_seconds):
            late.setdefault(one.channel, []).append(one)
    facts += [_tell_late(channel, kept, now) for channel, kept in late.items()]
    return tuple(facts)


def _tell_late(channel: str, kept: list[Undelivered], now: datetime) -> Fact:
    oldest = kept[0]
    return Fact(
        f"boite-d-envoi/{channel}/{stamp(oldest.since)}",
        Kind.OUTBOX,
        "",
        f"Boîte d'envoi bloquée — {channel}",
        f"{plural(len(kept), 'alerte attend', 'alertes attendent')} dans la boîte d'envoi « {channel} », la plus "
        f"ancienne depuis le {in_paris(oldest.since)}. Dernier refus : {oldest.reason or 'aucun essai'}\n"
        + "\n".join(list_bullets([one.subject for one in kept])),
        "Corrigez ce que le refus nomme (adresse, compte, certificat du service), puis vérifiez : "
        "python -m nonreg.alerts test. Ce qui attend partira de soi-même.",
        "",
        now,
    )


def _tell_lost(one: Undelivered, now: datetime) -> Fact:
    if one.unknown:
        how = f"Nul ne sait si « {one.channel} » a transmis cette alerte : {one.reason}"
        why = "Elle ne sera pas renvoyée, pour ne jamais arriver deux fois."
    else:
        how = f"« {one.channel} » refuse cette alerte depuis le {in_paris(one.since)} : {one.reason}"
        why = "Elle ne sera plus envoyée."
    return Fact(
        f"boite-d-envoi/{one.channel}/{'inconnu' if one.unknown else 'abandon'}/{one.key}",
        Kind.OUTBOX,
        "",
        f"Alerte {'peut-être ' if one.unknown else ''}perdue — {one.channel}",
        f"{how}\n  - {one.subject}\n{why}",
        "Demandez au destinataire s'il l'a reçue ; sinon, transmettez-lui celle-ci.",
        "",
        now,
    )


def tell_deadlines(deadlines: Iterable[Deadline], platform: str, now: datetime) -> tuple[Fact, ...]:
    """One alert for each deadline that crossed a threshold: of those it crossed, only the nearest is told."""
    facts = []
    for deadline in deadlines:
        crossed = [threshold for threshold in _list_thresholds(deadline) if threshold.opens <= now]
        if crossed and now - deadline.at <= FORGOTTEN_AFTER:
            nearest = max(crossed, key=lambda threshold: threshold.opens)
            facts.append(_tell_deadline(deadline, nearest, platform, now))
    return tuple(facts)


@dataclass(frozen=True, slots=True)
class _Threshold:
    """From when on a deadline is that near; `left` says it in French, empty once it is past."""

    opens: datetime
    mark: str
    left: str


def _list_thresholds(deadline: Deadline) -> tuple[_Threshold, ...]:
    return (
        *(
            _Threshold(deadline.at - timedelta(hours=hours), f"{hours:g}h", f"dans moins de {hours:g} h")
            for hours in deadline.thresholds_hours
        ),
        *(
            _Threshold(
                go_back_working_days(deadline.at, days),
                f"{days}jo",
                f"dans moins de {plural(days, 'jour ouvré', 'jours ouvrés')}",
            )
            for days in deadline.thresholds_working_days
        ),
        _Threshold(deadline.at, "0", ""),
    )


def go_back_working_days(at: datetime, days: int) -> datetime:
    """The same hour of Paris that many working days before."""
    local = at.astimezone(PARIS)
    day, left = local.date(), days
    while left:
        day -= timedelta(days=1)
        left -= not explain_day_off(day, WorkingTime())
    return datetime.combine(day, local.time(), PARIS).astimezone(UTC)


def _tell_deadline(deadline: Deadline, threshold: _Threshold, platform: str, now: datetime) -> Fact:
    left = threshold.left
    past = not left
    return Fact(
        f"echeance/{platform}/{deadline.id}/{stamp(deadline.at)}/{threshold.mark}",
        Kind.DEADLINE,
        platform,
        f"Échéance {'dépassée' if past else left} — {deadline.title}",
        f"{deadline.title} : échéance le {in_paris(deadline.at)}, {'dépassée' if past else left}.\n"
        + (f"{deadline.note}\n" if deadline.note else "")
        + f"Porteur : {deadline.person}.",
        deadline.what_to_do
        or (
            f"{'Prévenez le porteur et la MOA, et notez' if past else 'Faites le point avec le porteur et notez'} "
            f"la suite au ticket {deadline.ticket}."
        ),
        deadline.ticket,
        now,
    )


def remind_of_waiver(waiver: Waiver, thresholds_hours: tuple[float, ...]) -> Deadline:
    """The expiry of a waiver as a deadline: from then on its KO counts again."""
    return Deadline(
        f"derogation-{waiver.decision}",
        f"Dérogation de {waiver.scenario_id}",
        waiver.expires_at,
        waiver.owner,
        waiver.ticket,
        thresholds_hours,
        what_to_do=f"Corrigez l'écart de {waiver.scenario_id}, ou faites signer une nouvelle dérogation avant cette "
        f"date (python -m nonreg waive) : ensuite il rend de nouveau la campagne KO. Suivi au ticket {waiver.ticket}.",
    )


def tell_trial(mark: str, now: datetime) -> Fact:
    """A message that says only that messages arrive."""
    return Fact(
        f"essai/{mark}",
        Kind.TRIAL,
        "",
        "Message d'essai",
        f"Message d'essai des alertes, demandé le {in_paris(now)}. Rien ne s'est passé.",
        "Rien : s'il est lisible, ce canal fonctionne.",
        "",
        now,
    )


def list_bullets(lines: Iterable[str]) -> list[str]:
    """At most SHOWN_LINES lines, as they may leave the platform, and how many more there were."""
    kept = [conceal(" ".join(line.split())) for line in lines]
    more = len(kept) - SHOWN_LINES
    return [
        *(f"  - {line}" for line in kept[:SHOWN_LINES]),
        *([f"  … et {plural(more, 'autre', 'autres')}."] if more > 0 else []),
    ]
