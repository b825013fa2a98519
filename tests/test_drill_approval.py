"""Approval of drills: one text, signed by the titulaire, for this plan only; refused before anything is opened."""

from __future__ import annotations

import dataclasses
import json
import selectors
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nonreg import ledger, store
from nonreg.config import Platform, load_platform
from nonreg.decision import DecisionKind, load_signed
from nonreg.drills.approval import (
    FILE,
    approve_plan,
    check_approval,
    keep_approval,
    name_subject,
    record_approval,
    render_drill_plan,
    request_approval,
)
from nonreg.errors import DecisionRefused, DrillRefused, NonregError, UsageError
from nonreg.execute import execute_plan
from nonreg.model import Approval, CampaignPlan, Role, Scenario
from nonreg.plan import CampaignRequest, collect_scenarios, plan_campaign
from nonreg.waiting import wait_until
from tests.decision_samples import make_decision
from tests.drilled import ROLES, STOP_CLIENT, TOOL, draft, sign_approval, write_catalog
from tests.governed import Governed, make_governed

PORTS = (2222, 5432, 5433, 8080, 8081, 8082, 8083, 8085)
SECOND = STOP_CLIENT.replace("HD-915", "HD-916").replace("test_stop_client", "test_again")
OWN_FAULT = """
from nonreg.faults import register
from nonreg.faults.services import ServiceStopped

@register("own_stop")
class OwnStop(ServiceStopped):
    def describe(self):
        self.kind = "service_stopped"
        return super().describe()
"""
SECRETS = "".join(f"AQ_{name}_PASSWORD=x\n" for name in ("READER", "WRITER", "STATION", "CLIENT"))


class Doorbell:
    """Listens at every address of a platform: counts who connects, and lets nobody in."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.network = next(one for one in (f"127.78.{n}" for n in range(250)) if self._listen(one))
        self.rings = 0
        self._over = False
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _listen(self, network: str) -> bool:
        opened = []
        for last in (11, 12, 13, 14):
            for port in PORTS:
                listener = socket.socket()
                opened.append(listener)
                try:
                    listener.bind((f"{network}.{last}", port))
                except OSError:
                    for one in opened:
                        one.close()
                    return False
                listener.listen()
        for one in opened:
            self._selector.register(one, selectors.EVENT_READ)
        return True

    def _answer(self) -> None:
        while not self._over:
            for key, _ in self._selector.select(0.05):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.accept()[0].close()
                self.rings += 1

    def close(self) -> None:
        self._over = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()


@pytest.fixture(scope="module")
def doorbell() -> Iterator[Doorbell]:
    found = Doorbell()
    yield found
    found.close()


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, ...]:
    folder = write_catalog(tmp_path_factory.mktemp("catalogue"), ROLES, STOP_CLIENT, SECOND)
    return collect_scenarios(folder)


@dataclasses.dataclass
class Desk:
    """A governed platform that nobody lets in, a catalog, and how its drills are approved."""

    governed: Governed
    scenarios: tuple[Scenario, ...]
    folder: Path
    select: str = ""
    ticket: str = "AQ-31"

    @property
    def platform(self) -> Platform:
        return self.governed.platform

    @property
    def own_fault(self) -> Path:
        return self.governed.root / "pannes" / "arret.py"

    @property
    def request(self) -> CampaignRequest:
        return CampaignRequest(
            str(self.governed.platform_file), "", self.select, self.ticket, str(self.folder), 0, "?"
        )

    def draft(self) -> CampaignPlan:
        return draft(
            self.governed.platform_file,
            self.platform,
            self.scenarios,
            self.folder,
            select=self.select,
            ticket=self.ticket,
        )

    def sign(self, person: str = "titulaire-essai", **changes: object) -> Path:
        file = self.governed.root / "autorisation.signed.json"
        return sign_approval(file, self.platform, self.draft(), self.governed.key(person), person, **changes)

    def plan(self, file: Path) -> CampaignPlan:
        request = dataclasses.replace(self.request, drills=str(file))
        return plan_campaign(request, self.platform, self.scenarios, "passage", TOOL)


@pytest.fixture
def desk(tmp_path: Path, doorbell: Doorbell, scenarios: tuple[Scenario, ...]) -> Desk:
    governed = make_governed(tmp_path)
    governed.change_platform("127.77.0.", f"{doorbell.network}.")
    governed.change_platform('base_dir = ".sandbox"', f"base_dir = {json.dumps(str(tmp_path))}")
    governed.change_platform('state_dir = "exercices"', 'state_dir = "exercices"\nfaults = "pannes"')
    governed.change_platform(
        "[drills.hypervisor]", '[drills.replace]\nservice_stopped = "own_stop"\n\n[drills.hypervisor]'
    )
    (tmp_path / "secrets.env").write_text(SECRETS, encoding="utf-8")
    found = Desk(governed, scenarios, write_catalog(tmp_path / "scenarios", ROLES, STOP_CLIENT, SECOND))
    found.own_fault.parent.mkdir()
    found.own_fault.write_text(OWN_FAULT, encoding="utf-8")
    return found


def sign_then(change: Callable[[Desk], None]) -> Callable[[Desk], Path]:
    """Sign, then change something."""

    def act(desk: Desk) -> Path:
        file = desk.sign()
        change(desk)
        return file

    return act


def change_file(before: str, after: str) -> Callable[[Desk], Path]:
    return sign_then(lambda desk: desk.governed.change_platform(before, after))


def not_test(desk: Desk) -> Path:
    desk.governed.change_platform('nature = "TEST"', 'nature = "PROD"')
    return desk.sign()


def unsigned(desk: Desk) -> Path:
    file = desk.sign()
    data = json.loads(file.read_text(encoding="utf-8"))
    del data["signature"]
    file.write_text(json.dumps(data), encoding="utf-8")
    return file


def forge(old: str, new: str) -> Callable[[Desk], Path]:
    def act(desk: Desk) -> Path:
        file = desk.sign()
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        return file

    return act


def change_fault(desk: Desk) -> None:
    desk.own_fault.write_text(OWN_FAULT + "# plus fort\n", encoding="utf-8")


def change_scenario(desk: Desk) -> None:
    write_catalog(desk.folder, ROLES, STOP_CLIENT, SECOND, "# plus long\n")


def select_one(desk: Desk) -> None:
    desk.select = "HD-915"


def other_ticket(desk: Desk) -> None:
    desk.ticket = "AQ-32"


NOW = datetime.now(UTC)
REFUSED: dict[str, tuple[Callable[[Desk], Path], str]] = {
    "a platform that is not TEST": (not_test, "sa nature est PROD, pas TEST"),
    "a platform where nobody decides": (
        change_file('governance = "./gouvernance"', 'governance = ""'),
        "pas de dossier « governance »",
    ),
    "a decision without signature": (unsigned, "exactement les clés"),
    "a text changed after its signature": (forge("autoriser", "refuser"), "n'est pas celui de la décision"),
    "an expiry changed after its signature": (forge("2026", "2027"), "signature"),
    "a fault whose code changed": (sign_then(change_fault), "d'un autre plan que celui-ci"),
    "a scenario whose code changed": (sign_then(change_scenario), "d'un autre plan que celui-ci"),
    "another selection": (sign_then(select_one), "« EXERCICES DE HAUTE DISPONIBILITÉ : 2 exercices"),
    "another ticket": (sign_then(other_ticket), "c'est maintenant « Ticket : AQ-32 »"),
    "another version": (
        change_file("5.2.0", "5.3.0"),
        "c'est maintenant « Version de l'application : 5.3.0 »",
    ),
    "another host": (change_file("port = 2222", "port = 2223"), "« Empreinte des cibles : "),
    "an approval that has expired": (
        lambda desk: desk.sign(decided_at=NOW - timedelta(hours=2), expires_at=NOW - timedelta(hours=1)),
        "a expiré le",
    ),
    "an approval of the future": (
        lambda desk: desk.sign(decided_at=NOW + timedelta(hours=2), expires_at=NOW + timedelta(hours=3)),
        "datée du futur",
    ),
    "an approval that never ends": (
        lambda desk: desk.sign(expires_at=NOW + timedelta(hours=200)),
        "dure plus de 168 h",
    ),
    "somebody of another role": (
        lambda desk: desk.sign("renfort-technique-essai", role=Role.RENFORT_TECHNIQUE),
        "il faut titulaire",
    ),
    "somebody who takes the titulaire's role": (
        lambda desk: desk.sign("renfort-technique-essai"),
        "« renfort-technique-essai » est renfort_technique",
    ),
    "somebody who signs for the titulaire": (
        lambda desk: sign_approval(
            desk.governed.root / "x.json", desk.platform, desk.draft(), desk.governed.key("moa-scv-essai")
        ),
        "est celle de « moa-scv-essai »",
    ),
    "another kind of decision": (
        lambda desk: desk.sign(kind=DecisionKind.PROMOTION),
        "décision de promotion, pas de exercice",
    ),
    "another platform": (lambda desk: desk.sign(platform="autre"), "« autre », pas pour « embarquee »"),
    "another platform of the same name": (
        lambda desk: desk.sign(identity_token="0a1b"),
        "le jeton d'identité diffère",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_drills_are_refused_for(desk: Desk, doorbell: Doorbell, tmp_path: Path, name: str) -> None:
    """Refused when planned and, of a run that was planned in spite of it, before anything is opened."""
    prepare, words = REFUSED[name]
    file, before = prepare(desk), doorbell.rings
    with pytest.raises(NonregError) as caught:
        desk.plan(file)
    said = str(caught.value)
    assert words in said
    assert len(said.splitlines()) == 1

    decided = make_decision(id="D-0123456789ab", person="titulaire-essai")
    approval = Approval(
        decided.id, decided.person, decided.decided_at, decided.expires_at, decided.content_sha256
    )
    run_dir = tmp_path / "passage"
    plan = dataclasses.replace(desk.draft(), approval=approval)
    store.save_plan(run_dir, plan)
    shutil.copy(file, run_dir / FILE)
    execute_plan(desk.platform, plan, run_dir, desk.governed.platform_file, desk.folder, threading.Event())
    run = store.load_run(run_dir)
    assert run.interruption == f"Rien n'a été exécuté : {said}"
    assert (run.results, run.closing, run.guards) == ((), (), ())
    assert not (run_dir / store.GUARDS).exists()
    assert not (tmp_path / "exercices").exists()
    assert doorbell.rings == before


def test_an_approved_plan_is_planned_with_its_approval_and_only_then_is_anything_opened(
    desk: Desk, doorbell: Doorbell, tmp_path: Path
) -> None:
    file, before = desk.sign(), doorbell.rings
    plan = desk.plan(file)
    assert plan.approval is not None
    assert (plan.approval.decision, plan.approval.person) == ("D-0123456789ab", "titulaire-essai")
    assert [one.scenario_id for one in plan.drills] == ["HD-915", "HD-916"]
    run_dir = tmp_path / "passage"
    store.save_plan(run_dir, plan)
    keep_approval(run_dir, load_signed(file))
    assert doorbell.rings == before
    execute_plan(desk.platform, plan, run_dir, desk.governed.platform_file, desk.folder, threading.Event())
    wait_until(lambda: doorbell.rings > before, 10)  # the guards are asked, and nobody answers them
    assert store.load_run(run_dir).guards


def check(desk: Desk, plan: CampaignPlan, run_dir: Path, platform: Platform | None = None) -> None:
    at = datetime.now(UTC)
    file = desk.governed.platform_file
    check_approval(platform or desk.platform, plan, run_dir, file, desk.folder, at)


def test_the_check_before_acting_compares_the_plan_its_approval_and_the_platform_s_file(
    desk: Desk, tmp_path: Path
) -> None:
    file = desk.sign()
    plan, run_dir = desk.plan(file), tmp_path / "passage"
    keep_approval(run_dir, load_signed(file))
    check(desk, plan, run_dir)
    quiet = dataclasses.replace(plan, scenarios=plan.closing, drills=(), approval=None)
    check(desk, quiet, tmp_path / "ailleurs")  # nothing to approve
    with pytest.raises(DrillRefused, match="exercice que rien n'autorise"):
        check(desk, dataclasses.replace(plan, drills=()), run_dir)
    other = dataclasses.replace(plan, approval=None)
    with pytest.raises(DrillRefused, match="n'est pas celle de son plan"):
        check(desk, other, run_dir)
    longer = dataclasses.replace(plan.drills[0].faults[0], max_seconds=9000.0)
    drills = (dataclasses.replace(plan.drills[0], faults=(longer,)), *plan.drills[1:])
    with pytest.raises(DrillRefused, match="n'est pas celle de son plan"):
        check(desk, dataclasses.replace(plan, drills=drills), run_dir)
    before = desk.platform
    desk.governed.change_platform("page_seconds = 3.0", "page_seconds = 4.0")
    with pytest.raises(DrillRefused, match="fichier de plateforme a changé"):
        check(desk, plan, run_dir, before)


def test_the_text_is_the_same_for_the_same_plan_and_says_what_a_person_must_know(desk: Desk) -> None:
    text = render_drill_plan(desk.platform, desk.draft())
    assert render_drill_plan(load_platform(str(desk.governed.platform_file)), desk.draft()) == text
    for said in (
        "2 exercices à autoriser",
        "embarquee, Plateforme embarquée (AQUARÉEL miniature)",
        "Nature : TEST, jeton d'identité 5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de",
        "Version de l'application : 5.2.0",
        "Ticket : AQ-31",
        "HD-915 Arrêt du client du passif",
        "Étape : secours ; au plus 90 s",
        "Panne HD-915/1 sur srv-b, au plus 20 s",
        "Action : arrêter le service client : systemctl stop aquareel-client.service",
        "Guérison : systemctl start aquareel-client.service",
        "Minuteur de sécurité : systemd-run --on-active=20 ",
        "1. Prévenir la salle.",
        desk.draft().drills[0].code_sha256,
        "Durée totale la plus longue des exercices : 180 s",
        "Que seule une personne peut guérir : rien",
        "HD-001 Rôles",
        "jusqu'à l'échéance de la décision et pour ce plan seulement",
    ):
        assert said in text


def test_the_text_names_what_only_a_person_can_heal(desk: Desk) -> None:
    desk.governed.change_platform('service_stopped = "own_stop"', 'service_stopped = "by_hand"')
    text = render_drill_plan(desk.platform, desk.draft())
    assert "Guérie par une personne seulement." in text
    assert "Que seule une personne peut guérir : HD-915/1, HD-916/1" in text


CHANGES: dict[str, Any] = {
    "id": "HD-915/9",
    "kind": "service_killed",
    "site": "SITE-A",
    "parameters": (("service", "frontal"),),
    "max_seconds": 21.0,
    "hosts": ("srv-a",),
    "action": "tout casser",
    "healing": "prier",
    "dead_man": "",
    "by_hand": True,
    "scenario_id": "HD-916",
    "title": "Autre",
    "stage": "perte",
    "faults": (),
    "operator_steps": ("Sortir.",),
    "code_sha256": "0" * 64,
}


def test_the_text_changes_with_anything_of_the_plan(desk: Desk) -> None:
    plan, platform = desk.draft(), desk.platform
    text = render_drill_plan(platform, plan)
    first, second = plan.drills
    fault = first.faults[0]
    changed = [
        dataclasses.replace(first, faults=(dataclasses.replace(fault, **{field.name: CHANGES[field.name]}),))
        for field in dataclasses.fields(fault)
    ]
    changed += [
        dataclasses.replace(first, **{field.name: CHANGES[field.name]}) for field in dataclasses.fields(first)
    ]
    texts = [render_drill_plan(platform, dataclasses.replace(plan, drills=(one, second))) for one in changed]
    texts.append(render_drill_plan(platform, dataclasses.replace(plan, drills=(second, first))))
    slower = tuple(dataclasses.replace(one, timeout_seconds=91.0) for one in plan.scenarios)
    texts += [
        render_drill_plan(platform, dataclasses.replace(plan, **values))
        for values in ({"scenarios": slower}, {"closing": ()}, {"ticket": "AQ-1"})
    ]
    moved = dataclasses.replace(platform.sites[0].host, address="127.0.0.9")
    sites = (dataclasses.replace(platform.sites[0], host=moved), *platform.sites[1:])
    drills = dataclasses.replace(platform.drills, link_control="http://127.0.0.9:1")
    texts += [
        render_drill_plan(dataclasses.replace(platform, **values), plan)
        for values in ({"sites": sites}, {"drills": drills}, {"title": "Autre"}, {"identity_token": "x"})
    ]
    assert len({text, *texts}) == 1 + len(texts)


def test_what_is_asked_to_be_signed_is_the_titulaire_s_for_a_limited_time(desk: Desk) -> None:
    people, text = desk.governed.people, render_drill_plan(desk.platform, desk.draft())
    titulaire, renfort = people.find("titulaire-essai"), people.find("renfort-technique-essai")
    assert titulaire is not None
    assert renfort is not None
    asked = request_approval(desk.platform, text, titulaire, "AQ-31", "Recette", NOW, 24.0).decision
    assert (asked.kind, asked.subject) == (DecisionKind.EXERCICE, name_subject(text))
    assert asked.expires_at - asked.decided_at == timedelta(hours=24)
    with pytest.raises(DrillRefused, match="il faut titulaire"):
        request_approval(desk.platform, text, renfort, "AQ-31", "", NOW, 24.0)
    for hours in (0.0, -1.0, 168.5, float("nan")):
        with pytest.raises(UsageError, match="Validité refusée"):
            request_approval(desk.platform, text, titulaire, "AQ-31", "", NOW, hours)


def test_an_approval_is_in_the_ledger_once_however_many_campaigns_use_it(desk: Desk, tmp_path: Path) -> None:
    signed, plan, runs_dir = load_signed(desk.sign()), desk.draft(), tmp_path / "passages"
    for _ in range(2):
        record_approval(runs_dir, desk.platform, plan, signed, datetime.now(UTC))
    opening, entry = ledger.read_entries(runs_dir / ledger.FILE)
    assert (opening.kind, entry.kind, entry.person) == ("ouverture", "exercice", "titulaire-essai")
    assert entry.data["drills"] == ["HD-915", "HD-916"]
    assert entry.decision == signed.decision


def test_a_decision_that_served_for_something_else_approves_nothing(desk: Desk, tmp_path: Path) -> None:
    signed = load_signed(desk.sign())
    path = desk.governed.runs_dir / ledger.FILE
    values: dict[str, Any] = {
        "platform": "embarquee",
        "person": "titulaire-essai",
        "ticket": "AQ-31",
        "data": {},
    }
    ledger.append(path, kind="promotion", at=NOW, people=None, signed=signed, **values)
    with pytest.raises(DecisionRefused, match="a déjà servi"):
        record_approval(path.parent, desk.platform, desk.draft(), signed, datetime.now(UTC))


def test_an_approval_holds_until_its_very_expiry(desk: Desk) -> None:
    file = desk.sign()
    expiry = load_signed(file).decision.expires_at
    approve_plan(desk.platform, desk.draft(), file, expiry - timedelta(microseconds=1))
    with pytest.raises(DecisionRefused, match="a expiré"):
        approve_plan(desk.platform, desk.draft(), file, expiry)
