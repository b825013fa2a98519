"""All that is held about a person is gathered for them; on their request their name is nowhere that is not listed."""

from __future__ import annotations

import io
import json
import shutil
import stat
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.alerts.delivery import Step
from nonreg.alerts.facts import Fact, Kind
from nonreg.alerts.outbox import Outbox
from nonreg.errors import ConfigError, UsageError
from nonreg.model.personal import Erased, Fate
from nonreg.people import load_people
from nonreg.personal.erase import KIND, write_without
from nonreg.personal.terms import make_terms
from nonreg.retention.settings import add_months
from tasks.personal import erase_person
from tests.governed import Governed, make_governed, publish_run
from tests.retention.cut import cut
from tests.retention.sites import NOW, RECENT, seal_old, verify, work_on
from tests.test_promotion import promote_run
from tests.tracker.desks import connect_folder
from tests.tracker.folders import add_ticket

PERSON, NAME, MAIL = "renfort-technique-essai", "Barnabé Tresmontagne", "b.tresmontagne@exemple.invalid"
SIGNER, SIGNER_NAME = "titulaire-essai", "Ondine Rivelune"


def end(governed: Governed, person: str, day: str = "2026-11-01") -> None:
    """Somebody's rights end on that day."""
    file = governed.governance / "people.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace(f'id = "{person}"', f'id = "{person}"\nvalid_until = {day}T00:00:00+01:00'),
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """A person whose rights ended, named in a draft and its forms, an alert, a sealed document, the site's facts."""
    governed = make_governed(tmp_path_factory.mktemp("personne"))
    promote_run(governed, publish_run(governed, "un", started_at=RECENT))
    seal_old(governed, "documents/A9-1-v1", "document", f"présent : {NAME}", at=RECENT)
    draft = governed.runs_dir / "documents" / "A9-1"
    draft.mkdir()
    (draft / "projet.toml").write_text(f'present = "{NAME}, {MAIL}, 06 12 34 56 78"\n', encoding="utf-8")
    (draft / "A9-1.html").write_text("<p>Barnab&eacute;&nbsp;Tresmontagne</p>", encoding="utf-8")
    (draft / "A9-1.pdf").write_bytes(b"%PDF-1.7 illisible")
    (governed.runs_dir / "un" / "prefect.log").write_text(f"M. Tresmontagne ({MAIL})\n", encoding="utf-8")
    add_alert(governed, "dite", Step.ATTEMPT, Step.HANDED, Step.DELIVERED)
    add_alert(governed, "en-attente")
    (governed.governance / "site.toml").write_text(f'[facts]\n"relais" = "{NAME}"\n', encoding="utf-8")
    record_line(governed)
    end(governed, PERSON)
    return governed


def add_alert(governed: Governed, key: str, *steps: Step) -> None:
    box = Outbox(governed.runs_dir)
    fact = Fact(key, Kind.VERDICT, governed.platform.name, "sujet", f"par {NAME}", "à faire", "AQ-1", RECENT)
    box.add(fact, ("mail",), RECENT)
    alert = box.find(key)
    assert alert is not None
    for step in steps:
        box._append(alert, "mail", step)


def record_line(governed: Governed) -> None:
    ledger.append(
        governed.runs_dir / ledger.FILE,
        kind="cloture",
        platform=governed.platform.name,
        person=PERSON,
        ticket="AQ-7",
        data={"intervention": "deploiement"},
        at=RECENT,
        people=governed.people,
        signed=None,
    )


@pytest.fixture
def site(told: Governed, tmp_path: Path) -> Governed:
    return Governed(Path(shutil.copytree(told.root, tmp_path / "copie")))


def erase(site: Governed, *, apply: bool = True) -> Erased:
    return erase_person(work_on(site), PERSON, [MAIL, "0612345678"], "AQ-8", NOW, apply=apply)


def grep(site: Governed) -> set[str]:
    """Files in which a word of the name, the mail or the number stands, whatever the tool says."""
    words = ("tresmontagne", "612345678", "6 12 34 56 78")
    found = set()
    for root in (site.runs_dir, site.governance):
        for path in root.rglob("*"):
            text = path.read_bytes().decode("utf-8", "replace").casefold() if path.is_file() else ""
            if any(word in text for word in words):
                found.add(path.relative_to(root).as_posix())
    return found


# ---- export ----------------------------------------------------------------------------------------------------------


def test_an_export_holds_entry_lines_files_and_notes_and_only_its_owner_reads_it(
    site: Governed, tmp_path: Path
) -> None:
    folder = tmp_path / "suivi-local"
    connect_folder(site, folder)
    add_ticket(folder, "AQ-7", "Clôture", f'description = "{NAME}"')
    output = tmp_path / "export"
    done = site.cli("person", "export", PERSON, "--ticket", "AQ-8", "--output", str(output), "--also", MAIL)
    assert done.returncode == 0, done.stderr
    held = json.loads((output / "personne.json").read_text(encoding="utf-8"))
    assert (held["entry"]["name"], held["entry"]["id"]) == (NAME, PERSON)
    assert [one["kind"] for one in held["lines"]] == ["cloture"]
    named = {one["place"] for one in held["traces"] if one["named"]}
    assert {"documents/A9-1/projet.toml", "documents/A9-1-v1/contenu.json", "un/prefect.log"} <= named
    page = (output / "personne.html").read_text(encoding="utf-8")
    assert NAME in page
    assert stat.S_IMODE((output / "personne.html").stat().st_mode) == 0o600
    entries = ledger.read_entries(site.runs_dir / ledger.FILE)
    assert (entries[-1].kind, entries[-1].data["event"], entries[-1].data["subject"]) == (
        KIND,
        "export",
        PERSON,
    )


def test_an_export_is_not_written_among_the_runs(site: Governed) -> None:
    inside = str(site.runs_dir / "export")
    done = site.cli("person", "export", PERSON, "--ticket", "AQ-8", "--output", inside)
    assert done.returncode == 3
    assert "hors" in done.stderr or "gardé avec eux" in done.stderr


@pytest.mark.parametrize("where", ["elsewhere", "inside"])
def test_the_files_of_a_local_tracker_are_looked_into_wherever_they_are(
    site: Governed, tmp_path: Path, where: str
) -> None:
    folder = tmp_path / "suivi-local" if where == "elsewhere" else site.runs_dir / "suivi-local"
    connect_folder(site, folder)
    add_ticket(folder, "AQ-99", "Sans ligne au registre", f'description = "{NAME.upper()}"')
    done = erase(site)
    (ticket,) = [one for one in done.traces if "AQ-99" in one.place]
    assert (ticket.fate, ticket.named) == (Fate.HAND, True)
    assert "AQ-99/ticket.toml et mettez l'identifiant à la place du nom" in ticket.note
    assert NAME.upper() in (folder / "AQ-99" / "ticket.toml").read_text(encoding="utf-8")


def test_a_writing_that_a_format_holds_stays_listed_with_its_line_and_what_to_do(site: Governed) -> None:
    draft = site.runs_dir / "documents" / "A9-1" / "projet.toml"
    first, last = NAME.split()
    draft.write_text(f'a = "un"\nb = ["{last}", "{first}"]\nc = "{NAME.upper()}"\n', encoding="utf-8")
    (left,) = [one for one in erase(site).traces if one.place == "documents/A9-1/projet.toml"]
    assert left.fate is Fate.HAND
    assert left.note == (
        "une écriture inhabituelle du nom (ligne 2) : si c'est cette personne, mettez l'identifiant à la place"
    )
    assert draft.read_text(encoding="utf-8").splitlines()[2] == f'c = "{PERSON}"'


# ---- erase -----------------------------------------------------------------------------------------------------------


def test_an_erasure_is_shown_first_and_changes_nothing(site: Governed) -> None:
    before = {path: path.read_bytes() for path in site.root.rglob("*") if path.is_file()}
    done = site.cli("person", "erase", PERSON, "--ticket", "AQ-8", "--also", MAIL)
    assert "Rien n'a été changé" in done.stdout
    assert "documents/A9-1/projet.toml" in done.stdout
    after = {path: path.read_bytes() for path in site.root.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if path.suffix != ".lock"} == {
        path: text for path, text in before.items() if path.suffix != ".lock"
    }


def test_after_an_erasure_the_name_is_nowhere_but_where_it_says(site: Governed) -> None:
    assert len(grep(site)) > 5
    done = erase(site)
    listed = {one.place: one for one in done.traces if one.fate not in (Fate.REWRITTEN, Fate.REMOVED)}
    assert grep(site) == set(listed)
    waiting = [place for place, one in listed.items() if one.fate is Fate.WAITING]
    assert [place.partition("-")[0] for place in waiting] == ["alertes/en"]
    sealed = listed["documents/A9-1-v1/contenu.json"]
    assert (sealed.fate, sealed.due) == (Fate.SEALED, add_months(RECENT, 48))
    draft = site.runs_dir / "documents" / "A9-1"
    assert (draft / "projet.toml").read_text(
        encoding="utf-8"
    ) == f'present = "{PERSON}, {PERSON}, {PERSON}"\n'
    assert sorted(one.name for one in draft.iterdir()) == ["projet.toml"]


def test_after_an_erasure_every_chain_holds_and_the_ledger_has_the_id_alone(site: Governed) -> None:
    erase(site)
    assert verify(site, judged=False) == []
    last = ledger.read_entries(site.runs_dir / ledger.FILE)[-1]
    assert (last.kind, last.data["event"], last.data["subject"]) == (KIND, "effacement", PERSON)
    assert last.data["sealed"] == ["documents/A9-1-v1"]
    assert "tresmontagne" not in (site.runs_dir / ledger.FILE).read_text(encoding="utf-8").casefold()


def test_the_entry_keeps_id_role_keys_and_validity(site: Governed) -> None:
    before = site.people.find(PERSON)
    erase(site)
    people = load_people(site.governance, site.platform.identity_token)
    after = people.find(PERSON)
    assert before is not None
    assert after is not None
    assert (after.name, after.role, after.keys, after.valid_until) == (
        "—",
        before.role,
        before.keys,
        before.valid_until,
    )
    assert (after.accounts, after.nda_signed_on, after.contract_until) == ((), None, None)
    assert [one.id for one in people.persons] == [one.id for one in site.people.persons]


def test_what_an_erased_person_signed_still_verifies(site: Governed) -> None:
    end(site, SIGNER, "2036-01-01")
    later = NOW + timedelta(days=5000)
    erase_person(work_on(site), SIGNER, [], "AQ-8", later, apply=True)
    assert SIGNER_NAME not in (site.governance / "people.toml").read_text(encoding="utf-8")
    done = site.cli("ledger", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_somebody_who_may_still_decide_is_not_erased(site: Governed) -> None:
    with pytest.raises(UsageError, match="encore habilité"):
        erase_person(work_on(site), SIGNER, [], "AQ-8", NOW, apply=True)


def test_the_others_keep_their_names(site: Governed) -> None:
    erase(site)
    assert SIGNER_NAME in (site.governance / "people.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("header", ["  [[people]]", "[[ people ]]"])
def test_however_the_people_file_is_laid_out_nobody_else_loses_anything(site: Governed, header: str) -> None:
    file = site.governance / "people.toml"
    text = file.read_text(encoding="utf-8").replace("[[people]]", header)
    file.write_text(text, encoding="utf-8")
    before = {one.id: one for one in site.people.persons}
    erase(site)
    after = {one.id: one for one in load_people(site.governance, site.platform.identity_token).persons}
    assert after.pop(PERSON).name == "—"
    assert after == {name: one for name, one in before.items() if name != PERSON}


def test_a_file_that_ends_with_the_last_day_of_a_contract_loses_it_too() -> None:
    text = '[[people]]\nid = "renfort-2"\nname = "Ada Rive"\nkeys = []\ncontract_until = 2026-10-01'
    assert "2026-10-01" not in write_without(text, make_terms("renfort-2", "Ada Rive"))


def test_an_entry_that_cannot_be_told_from_another_leaves_the_people_file_as_it_was(site: Governed) -> None:
    file = site.governance / "people.toml"
    text = file.read_text(encoding="utf-8").replace("[[people]]", '["people"]', 1)
    _, _, rest = text.partition('["people"]')
    first, *others = rest.split("[[people]]")
    file.write_text("\n".join(f'[["people"]]{one}' for one in (first, *others)), encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="n'a pas pu être effacée"):
        erase(site)
    assert file.read_bytes() == before


def test_a_file_that_is_named_after_the_person_is_told_whatever_is_in_it(site: Governed) -> None:
    folder = site.runs_dir / "documents" / "A9-1"
    (folder / "CR_Barnabe_Tresmontagne.txt").write_text("rien", encoding="utf-8")
    (folder / "B. Tresmontagne.txt").write_text(NAME, encoding="utf-8")
    renamed = [one for one in erase(site).todo if one.startswith("Fichier au nom de la personne")]
    assert [one.rpartition("/")[2] for one in sorted(renamed)] == [
        "B. Tresmontagne.txt",
        "CR_Barnabe_Tresmontagne.txt",
    ]


def test_a_text_of_windows_is_looked_into_and_an_archive_that_cannot_be_read_is_named(site: Governed) -> None:
    folder = site.governance
    (folder / "ansi.log").write_bytes(f"vu par {NAME}".encode("cp1252"))
    (folder / "unicode.log").write_bytes(f"vu par {NAME}".encode("utf-16"))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", NAME)
    content = bytearray(made.getvalue())
    content[-30] ^= 0xFF  # in the list of what it holds
    (folder / "abime.zip").write_bytes(content)
    content = bytearray(made.getvalue())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1  # it says that it is encrypted
    (folder / "chiffre.zip").write_bytes(content)
    (folder / "coupe.zip").write_bytes(made.getvalue()[:40])
    done = erase(site)
    by_hand = {one.place for one in done.traces if one.fate is Fate.HAND}
    assert {str(folder / name) for name in ("ansi.log", "unicode.log")} <= by_hand
    for name in ("abime.zip", "chiffre.zip", "coupe.zip"):
        assert f"Fichier illisible, à ouvrir à la main : {folder / name}" in done.todo


def test_killed_at_any_moment_an_erasure_is_asked_for_again_and_ends_the_same(
    told: Governed, tmp_path: Path
) -> None:
    site = Governed(Path(shutil.copytree(told.root, tmp_path / "entier")))
    stays = {one.place for one in erase(site).traces if one.fate in (Fate.SEALED, Fate.WAITING)}
    killed, changes = True, 0
    while killed:
        site = Governed(Path(shutil.copytree(told.root, tmp_path / "copie")))
        killed = cut(lambda site=site: erase(site), site.root, changes)
        assert site.people.find(PERSON) is not None, changes
        assert verify(site, judged=False) == [], changes
        erase(site)
        assert grep(site) == stays, changes
        shutil.rmtree(site.root)
        changes += 1
    assert changes > 10
