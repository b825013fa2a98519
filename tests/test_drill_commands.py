"""Drills from the command line: a plan read and signed, a campaign, a platform healed, a step confirmed."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.decision import DecisionKind, load_request, load_signed
from nonreg.drills.operator import CLOSED, OperatorStep, ask, list_open, open_folder
from nonreg.drills.register import hold_drills, new_entry_id, open_register
from nonreg.model import PlannedFault
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tests.drilled import BODIES, BREAKING, HEADER, ROLES, STOP_CLIENT, Ground, write_catalog
from tests.governed import Governed, make_governed

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("drills")]  # their platform is broken in turn
STOP = PlannedFault(
    "HD-915/1",
    "service_stopped",
    "SITE-B",
    (("service", "client"),),
    60.0,
    ("srv-b",),
    "arrêter le client",
    "démarrer le client",
)
BY_HAND = PlannedFault(
    "HD-924/1", "by_hand", "SITE-A", (("instruction", "rallumer srv-a"),), 60.0, (), "a", "g", by_hand=True
)


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[Governed, str]:
    """A governed platform whose addresses nobody answers at, and a catalog."""
    root = tmp_path_factory.mktemp("plan")
    governed = make_governed(root)
    governed.change_platform('base_dir = ".sandbox"', f"base_dir = {json.dumps(str(root))}")
    governed.change_platform("127.77.0.", "127.79.79.")
    return governed, str(write_catalog(root / "scenarios", ROLES, STOP_CLIENT))


def say(*words: str) -> tuple[int, str]:
    """A command in this process, without what `Governed.cli` adds; its code, and all that it said."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = main(list(words))
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
    return code, said.getvalue()


def test_a_plan_is_shown_signed_elsewhere_and_recorded_without_asking_the_platform_anything(
    nowhere: tuple[Governed, str],
) -> None:
    governed, scenarios = nowhere
    asked = ("plan", "--scenarios", scenarios, "--ticket", "AQ-31", "--valid-hours", "2")
    done = governed.cli(*asked)
    assert done.returncode == 0, done.stderr
    assert "Action : arrêter le service client : systemctl stop aquareel-client.service" in done.stdout
    match = re.search(r"Demande à signer : (\S+\.json)", done.stdout)
    assert match is not None
    decision = load_request(Path(match[1])).decision
    assert (decision.kind, decision.ticket, decision.person) == (
        DecisionKind.EXERCICE,
        "AQ-31",
        "titulaire-essai",
    )
    assert (decision.expires_at - decision.decided_at).total_seconds() == 2 * 3600
    code, _ = say("sign", match[1], "--platform", str(governed.platform_file), "--key", governed.key())
    assert code == 0
    signed = match[1].replace(".json", ".signed.json")
    for _ in range(2):  # whoever asks again is told again
        done = governed.cli(*asked, "--decision", signed)
        assert done.returncode == 0, done.stderr
        assert f"--ticket AQ-31 --scenarios {scenarios} --drills {signed}" in done.stdout
    entries = [one for one in ledger.read_entries(governed.runs_dir / ledger.FILE) if one.kind == "exercice"]
    assert [(one.decision, one.data["drills"]) for one in entries] == [(decision, ["HD-915"])]
    assert not (governed.root / "exercices").exists()


def test_a_plan_is_signed_at_once_with_a_key_and_a_campaign_of_anything_else_does_not_start(
    nowhere: tuple[Governed, str],
) -> None:
    governed, scenarios = nowhere
    done = governed.cli("plan", "--scenarios", scenarios, "--ticket", "AQ-32", "--key", governed.key())
    assert done.returncode == 0, done.stderr
    match = re.search(r"autorisés par titulaire-essai jusqu'au .* : (\S+\.signed\.json)", done.stdout)
    assert match is not None
    assert load_signed(Path(match[1])).decision.ticket == "AQ-32"
    before = set(governed.runs_dir.iterdir())
    done = governed.cli("campaign", "--scenarios", scenarios, "--ticket", "AQ-33", "--drills", match[1])
    assert done.returncode == 3
    assert "est d'un autre plan que celui-ci" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert set(governed.runs_dir.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--key", "renfort-technique-essai"), "n'autorise pas d'exercice : il faut titulaire"),
        (("--key", "titulaire-essai", "--valid-hours", "169"), "Validité refusée : 169 h (au plus 168 h)"),
        (("--select", "HD-001"), "Aucun exercice ne correspond à cette sélection"),
    ],
)
def test_a_plan_that_cannot_be_approved_is_refused_in_one_sentence(
    nowhere: tuple[Governed, str], options: tuple[str, ...], said: str
) -> None:
    governed, scenarios = nowhere
    words = [governed.key(word) if word.endswith("-essai") else word for word in options]
    done = governed.cli("plan", "--scenarios", scenarios, "--ticket", "AQ-31", *words)
    assert done.returncode == 3
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def governed(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """The running platform with a governance folder of the test's own; what is to be healed is the same."""
    return make_governed(tmp_path_factory.mktemp("gouvernee"), sandbox.platform_file)


@pytest.fixture
def ground(sandbox: Layout, tmp_path: Path) -> Iterator[Ground]:
    found = Ground(sandbox, tmp_path, ())
    yield found
    found.put_back()


def add(ground: Ground, fault: PlannedFault) -> str:
    return open_register(ground.platform).add("hier", fault.id.split("/")[0], fault, {}, new_entry_id()).id


def heal(governed: Governed, *options: str) -> tuple[int, str]:
    return say("heal", "--platform", str(governed.platform_file), *options)


def test_a_platform_on_which_nothing_is_pending_is_said_to_be_so(ground: Ground, governed: Governed) -> None:
    code, said = heal(governed)
    assert (code, said) == (0, "Rien à guérir sur « Plateforme embarquée (AQUARÉEL miniature) ».\n")


def test_what_is_left_is_healed_one_line_each_and_the_roles_are_looked_at(
    ground: Ground, governed: Governed
) -> None:
    add(ground, STOP)
    ask(ground.platform, OperatorStep.new("hier", "HD-915", "1", "Débranchez.", 60.0))
    with ground.open_passive() as shell:
        shell.run("service_stop", service="client").require()
    code, said = heal(governed)
    assert code == 0, said
    assert said.splitlines() == [
        "Guéri — HD-915, arrêter le client (passage hier) : démarrer le client",
        "Rôles : SITE-A ACTIF, SITE-B PASSIF, SITE-S SURVEILLANCE.",
    ]
    assert ground.client_runs()
    assert list_open(ground.platform) == ()


def test_what_only_a_person_can_heal_is_told_and_closed_by_their_signature_alone(
    ground: Ground, governed: Governed
) -> None:
    entry = add(ground, BY_HAND)
    code, said = heal(governed)
    assert code == 2
    assert "À faire par une personne — HD-924" in said
    assert "rallumer srv-a" in said
    assert f"--confirm {entry} --key CLÉ" in said

    for options, words in (
        (
            ("--confirm", "inconnue", "--key", governed.key()),
            f"n'est pas une panne qui attend une personne ({entry})",
        ),
        (("--confirm", entry), "Il faut une des options --key et --agent"),
        (("--confirm", entry, "--key", governed.key("moa-scv-essai")), "ne confirme pas d'étape"),
    ):
        code, said = heal(governed, *options)
        assert code == 3
        assert words in said
        assert [one.id for one in open_register(ground.platform).pending()] == [entry]

    key = governed.key("renfort-technique-essai")
    code, said = heal(governed, "--confirm", entry, "--key", key)
    assert code == 0, said
    assert "Guéri — HD-924, déclaré par renfort-technique-essai (D-" in said
    assert open_register(ground.platform).pending() == ()
    last = json.loads(open_register(ground.platform).path.read_text(encoding="utf-8").splitlines()[-1])
    assert (last["event"], last["by"]) == ("healed", "renfort-technique-essai")
    kept = [
        one.name for one in (open_folder(ground.platform) / CLOSED).glob(f"*.{last['decision']}.signed.json")
    ]
    assert len(kept) == 1


def test_a_signature_heals_nothing_while_the_sites_are_not_in_their_roles(
    ground: Ground, governed: Governed, tmp_path: Path
) -> None:
    entry = add(ground, BY_HAND)
    text = governed.platform_file.read_text(encoding="utf-8")
    swapped = text.replace('"PASSIF"', '"?"').replace('"ACTIF"', '"PASSIF"').replace('"?"', '"ACTIF"')
    file = governed.root / "inversee.toml"
    file.write_text(swapped, encoding="utf-8")
    code, said = say("heal", "--platform", str(file), "--confirm", entry, "--key", governed.key())
    assert code == 2
    assert (
        "Toujours pas guéri — HD-924 : les rôles ne sont pas ceux attendus : SITE-A se déclare ACTIF" in said
    )
    assert [one.id for one in open_register(ground.platform).pending()] == [entry]


def test_nothing_is_healed_while_a_campaign_is_going_on(ground: Ground, governed: Governed) -> None:
    add(ground, STOP)
    with hold_drills(open_register(ground.platform), "20261124T100000Z-embarquee"):
        code, said = heal(governed)
    assert code == 3
    assert "est en cours sur cette plateforme : 20261124T100000Z-embarquee" in said
    assert len(open_register(ground.platform).pending()) == 1


def confirm(governed: Governed, *options: str) -> tuple[int, str]:
    return say("confirm", "--platform", str(governed.platform_file), *options)


def test_open_steps_are_listed_and_one_is_confirmed_by_its_name(ground: Ground, governed: Governed) -> None:
    assert confirm(governed)[1].startswith("Aucune étape n'attend de confirmation")
    first, second = (OperatorStep.new("p", "HD-924", str(n), f"Étape {n}.", 60.0) for n in (1, 2))
    for step in (first, second):
        ask(ground.platform, step)
    code, said = confirm(governed)
    assert code == 0
    assert said.index("Étape 1.") < said.index("Étape 2.")
    for options, words in (
        ((second.id,), "Signez la confirmation par --key ou --agent"),
        (
            ("--key", governed.key()),
            f"Précisez une étape qui attend une confirmation ({first.id}, {second.id})",
        ),
        (("E-000000000000", "--key", governed.key()), "Précisez une étape"),
        ((second.id, "--key", governed.key("spc-gd-essai")), "ne confirme pas d'étape"),
    ):
        code, said = confirm(governed, *options)
        assert code == 3
        assert words in said
    code, said = confirm(governed, second.id, "--key", governed.key())
    assert code == 0, said
    assert f"Étape {second.id} confirmée par titulaire-essai." in said
    assert [one.name for one in open_folder(ground.platform).glob("*.signed.json")] != []
    assert heal(governed)[0] == 0  # nobody waits for them any more
    assert list_open(ground.platform) == ()


def test_a_campaign_of_drills_is_run_from_its_approval_and_tells_what_a_person_must_do(
    ground: Ground, governed: Governed
) -> None:
    folder = write_catalog(ground.folder / "scenarios", ROLES, BODIES, header=HEADER + BREAKING)
    asked = ("--scenarios", str(folder), "--ticket", "AQ-31", "--select", "HD-925")
    done = governed.cli("plan", *asked, "--key", governed.key())
    assert done.returncode == 0, done.stderr
    match = re.search(r"(\S+\.signed\.json)", done.stdout)
    assert match is not None
    answered: list[tuple[int, str]] = []

    def answer() -> None:
        (step,) = wait_until(lambda: list_open(ground.platform), 120)
        log = next(governed.runs_dir.glob(f"{step.run_id}/prefect.log"))
        wait_until(lambda: f"{step.id} --key" in log.read_text(encoding="utf-8"), 30)
        answered.append(confirm(governed, "--key", governed.key("renfort-technique-essai")))

    thread = threading.Thread(target=answer)
    thread.start()
    done = governed.cli("campaign", *asked, "--drills", match[1])
    thread.join()
    assert answered[0][0] == 0, answered
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 scénario, dont 1 exercice, sur" in done.stdout
    assert "À faire par une personne avant" in done.stdout
    assert "Débranchez, puis confirmez." in done.stdout
    (run_dir,) = (one for one in governed.runs_dir.iterdir() if (one / "approval.json").is_file())
    closing = [
        event for event in (run_dir / "events.jsonl").read_text().splitlines() if "closing_check" in event
    ]
    assert len(closing) == 4
    entry = ledger.read_entries(governed.runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.data["drills"]) == ("campagne", ["HD-925"])
