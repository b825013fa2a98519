"""What several drills judge in the same way: writes accounted for, interruptions, alarms, equality of the nodes."""

from __future__ import annotations

from nonreg.clients.sql import Rows, Session
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Accounting, DrillStage
from nonreg.probes.equality import find_differing, read_groups
from nonreg.probes.nodes import read_nodes
from nonreg.probes.replication import NotCaughtUp, read_fresh, wait_caught_up
from nonreg.waiting import observe_until
from nonreg.witness import Witness

LEDGER = "registre des écritures, relu sur le site actif"
EQUAL_SECONDS = 20.0


def judge_history(witness: Witness, accounting: Accounting) -> None:
    """What no drill may show: an invented or doubled write, or a history that cannot be believed."""
    witness.expect(
        not accounting.problems, LEDGER, "un historique cohérent", " ; ".join(accounting.problems[:5])
    )
    judge_writes(witness, "fantôme", accounting.phantom)
    judge_writes(witness, "en double", accounting.duplicates)
    witness.expect(accounting.acknowledged > 0, LEDGER, "des écritures acquittées", "aucune")


def judge_writes(witness: Witness, what: str, names: tuple[str, ...]) -> None:
    """No write of that kind."""
    witness.expect_no_rows(
        Rows(("écriture",), tuple((name,) for name in names), LEDGER), f"aucune écriture {what}"
    )


def judge_no_loss(witness: Witness, drill: DrillRun) -> None:
    """Every acknowledged write is there: required of what was planned, and of what the network alone did."""
    accounting = drill.accounting
    judge_history(witness, accounting)
    judge_writes(witness, "acquittée perdue", accounting.lost)


def judge_measured_loss(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    """After an unplanned loss the loss is measured, against the agreed limits if there are any (DOMAIN §2.6)."""
    accounting = drill.accounting
    judge_history(witness, accounting)
    lost = float(len(accounting.lost))
    witness.measure(
        "écritures acquittées perdues (RPO)", lost, "écritures", campaign.limit("rpo_writes"), LEDGER
    )
    seconds = round(accounting.rpo_seconds or 0.0, 3)
    witness.measure(
        "ancienneté de la plus vieille perdue (RPO)", seconds, "s", campaign.limit("rpo_seconds"), LEDGER
    )


def judge_unaffected(witness: Witness, drill: DrillRun) -> None:
    """No client was refused or left without an answer: a slow machine's stalls are no interruption."""
    failed = tuple(
        (one.title, str(one.errors), str(one.unknown))
        for one in drill.record.clients
        if one.errors or one.unknown
    )
    shown = Rows(("client", "en erreur", "sans réponse"), failed, "chaque tentative de chaque client")
    witness.expect_no_rows(shown, "aucune tentative en échec : le service est inchangé")


def judge_interruption(
    witness: Witness, campaign: Campaign, drill: DrillRun, limit_name: str | None = None
) -> None:
    """The writers' service interruption, against the limit of that name, the one of the drill's stage without."""
    recovery = drill.record.recovery
    total = recovery.total_seconds if recovery else None
    if total is None:
        witness.expect(False, LEDGER, "une reprise des écritures", "aucune écriture acquittée après la panne")
        return
    name = limit_name or {
        DrillStage.PLANIFIE: "rto_planned_seconds",
        DrillStage.PERTE: "rto_loss_seconds",
    }.get(drill.planned.stage, "fallback_seconds")
    witness.measure("interruption des écritures (RTO)", round(total, 3), "s", campaign.limit(name), LEDGER)


def judge_alarms(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    """Exactly the expected alarms reached the sink, each in time, and each was closed."""
    request = "puits d'alarmes, appels « OUVERTURE … » et « FERMETURE … »"
    drill.settle_alarms()
    drill.list_calls()  # nobody stopped looking
    seen = {alarm.label: alarm for alarm in drill.record.alarms if alarm.opened_seconds is not None}
    due = {label: alarm.delay_seconds for label, alarm in seen.items() if alarm.delay_seconds is not None}
    missing = tuple((label,) for label in drill.alarms.labels if label not in due)
    witness.expect_no_rows(Rows(("alarme",), missing, request), "chaque alarme attendue")
    again = tuple((label, str(alarm.openings)) for label, alarm in seen.items() if alarm.openings > 1)
    witness.expect_no_rows(
        Rows(("alarme", "ouvertures"), again, request), "chaque alarme ouverte une seule fois"
    )
    unexpected = tuple((label,) for label, alarm in seen.items() if not alarm.expected)
    witness.expect_no_rows(Rows(("alarme",), unexpected, request), "aucune alarme de plus")
    unclosed = tuple((label,) for label, alarm in seen.items() if alarm.closed_seconds is None)
    witness.expect_no_rows(Rows(("alarme",), unclosed, request), "chaque alarme fermée au retour")
    if due:
        limit = campaign.limit("technical_alarm_seconds")
        witness.measure("plus long délai d'alarme", round(max(due.values()), 3), "s", limit, request)


def judge_own_word(witness: Witness, drill: DrillRun, site: str) -> None:
    """The passive site says that it is passive, under the same mandate, and said nothing else since the drill began.

    A moment without an answer is a slow machine's; a role taken and given back between two looks is a mandate more.
    """
    said = [seen for seen in drill.role_changes(site) if seen.role]
    request = f"rôle et mandat de {site}, relevés sans cesse avant l'ordre de l'opérateur"
    rows = tuple((f"{seen.at_seconds:.3f} s", seen.role, str(seen.mandate)) for seen in said)
    is_same = {(seen.role, seen.mandate) for seen in said} == {("PASSIF", said[0].mandate)} if said else False
    changes = Rows(("à", "rôle", "mandat"), () if is_same else rows or (("", "aucune réponse", ""),), request)
    witness.expect_no_rows(changes, "aucun changement de rôle de lui-même")
    now = next(node for node in read_nodes(drill.platform) if node.site == site)
    witness.expect_equal(now.role, "PASSIF", f"rôle de {site} avant l'ordre de l'opérateur")


def measure_absorbed(
    witness: Witness,
    drill: DrillRun,
    active: Session,
    began_seconds: float,
    name: str,
    limit: float | None,
    within_seconds: float,
) -> None:
    """Seconds from `began_seconds`, without a person's, until the passive site has all that the active one wrote."""
    request = "position du publieur, confirmée par l'abonné"

    def look() -> str:
        try:
            wait_caught_up(active, within_seconds)
        except NotCaughtUp as error:
            return str(error)
        return ""

    problem = observe_until(look, lambda found: not found, within_seconds, 0.2)
    if problem:
        witness.expect(False, request, f"{name} en {within_seconds:g} s", problem)
    else:
        witness.measure(name, round(drill.measure_since(began_seconds), 3), "s", limit, request)


def expect_equal_nodes(witness: Witness, campaign: Campaign) -> None:
    """Both nodes hold the same rows once the passive one caught up; lag looks like a difference and passes."""
    with (
        campaign.session(campaign.active_site) as active,
        campaign.session(campaign.passive_site) as passive,
    ):

        def look() -> tuple[Rows, list[str]]:
            wait_caught_up(active, campaign.patience("replication_latency_seconds"))
            ours, theirs = (read_fresh(session, "article_digests") for session in (active, passive))
            return theirs, [
                str(key[0]) for key in find_differing(read_groups(ours, 1), read_groups(theirs, 1))
            ]

        rows, differing = observe_until(look, lambda found: not found[1], EQUAL_SECONDS, 0.5)
    shown = Rows(("article",), tuple((name,) for name in differing), rows.request)
    witness.expect_no_rows(shown, "les mêmes lignes sur les deux sites")
