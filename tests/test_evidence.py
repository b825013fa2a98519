"""Evidence verifies anywhere, and whatever is changed in it is noticed, named, and never called conforming."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.evidence.chain import list_seals
from nonreg.evidence.export import FILE as EXPORT
from nonreg.evidence.files import MANIFEST, EvidenceWrong, mark_files
from nonreg.evidence.interrupted import finish_sealed
from nonreg.evidence.manifest import hash_content, parse_manifest, render_manifest
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.evidence.signatures import find_people
from nonreg.evidence.verify import Finding, Means, State, verify_runs
from nonreg.model import Outcome
from tasks.publication import describe_run, hash_files, judge_folder, seal_run
from tests.governed import ALL_GOOD, NOW, Governed, make_governed, publish_run
from tests.test_promotion import promote_run

ROOT = Path(__file__).parent.parent
RUNS = ("un", "deux", "trois")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """Three published runs, the first promoted by a signed decision, and a sealed document; nobody changes it."""
    governed = make_governed(tmp_path_factory.mktemp("site"))
    promote_run(governed, publish_run(governed, "un"))
    publish_run(governed, "deux", started_at=NOW + timedelta(hours=1))
    publish_run(governed, "trois", {**ALL_GOOD, "HD-001": Outcome.KO}, started_at=NOW + timedelta(hours=2))
    seal_document(governed, "A1-7", {"note.html": b"<p>note</p>", "annexes/a.pdf": b"%PDF-1.7"})
    return governed


@pytest.fixture(scope="module")
def exported(site: Governed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of one run and of the document."""
    target = tmp_path_factory.mktemp("export") / "preuve.zip"
    folders = (site.runs_dir / "un", site.runs_dir / "documents" / "A1-7")
    assert run("export", *folders, target)[0] == 0
    return target


def seal_document(governed: Governed, name: str, files: dict[str, bytes]) -> Path:
    folder = governed.runs_dir / "documents" / name
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    platform = governed.platform
    thing = Thing("piece", name, platform.name, platform.identity_token, NOW + timedelta(hours=3), "AQ-1")
    seal_folder(folder, thing, governed.runs_dir)
    return folder


def run(*words: object) -> tuple[int, str]:
    """A command in this process, and what it wrote."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = main([str(word) for word in words])
    return code, out.getvalue()


def list_wrong(findings: Iterable[Finding]) -> list[Finding]:
    return [one for one in findings if one.state is State.WRONG]


def look_at(runs_dir: Path) -> list[Finding]:
    """What is wrong in a runs' folder by hashes, chain and signatures alone: no content is judged."""
    return list_wrong(verify_runs(runs_dir, Means(find_people(runs_dir), {})))


def copy(site: Governed, root: Path) -> Path:
    shutil.rmtree(root / "copie", ignore_errors=True)
    return Path(shutil.copytree(site.runs_dir, root / "copie"))


def test_a_runs_folder_a_run_and_a_document_verify_where_they_are(site: Governed) -> None:
    for path in (site.runs_dir, site.runs_dir / "trois", site.runs_dir / "documents" / "A1-7"):
        code, out = run("verify", path)
        assert (code, out.splitlines()[0]) == (0, f"Preuve conforme : {path}")
    code, out = run("verify", site.runs_dir)
    assert "1 signature(s) vérifiée(s) (fichier des personnes de ce dépôt)" in out
    assert "trois : jugé de nouveau : KO, même rapport" in out


def test_each_manifest_names_the_one_that_was_sealed_before_it(site: Governed) -> None:
    seals = list_seals(ledger.read_entries(site.runs_dir / ledger.FILE))
    assert [one.id for one in seals] == [*RUNS, "A1-7"]
    previous = None
    for seal in seals:
        manifest = parse_manifest((site.runs_dir / seal.folder / MANIFEST).read_bytes())
        assert (manifest.previous and manifest.previous.sha256) == previous
        assert hash_content(manifest) == seal.sha256
        assert manifest.head is not None
        assert manifest.head.sequence == seal.sequence
        previous = seal.sha256


def test_processes_that_seal_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    governed = make_governed(tmp_path)
    code = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from nonreg.evidence.seal import Thing, seal_folder\n"
        "folder = Path(sys.argv[1]); folder.mkdir(parents=True); (folder / 'a').write_text(folder.name)\n"
        "seal_folder(folder, Thing('piece', folder.name, 'p', 'jeton', datetime.now(UTC)), folder.parents[1])\n"
    )
    folders = [governed.runs_dir / "documents" / f"D-{number}" for number in range(6)]
    processes = [subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT) for folder in folders]
    assert [process.wait(120) for process in processes] == [0] * len(folders)
    assert look_at(governed.runs_dir) == []
    seals = list_seals(ledger.read_entries(governed.runs_dir / ledger.FILE))
    kept = [parse_manifest((governed.runs_dir / one.folder / MANIFEST).read_bytes()) for one in seals]
    assert [one.previous and one.previous.sha256 for one in kept] == [
        None,
        *(one.sha256 for one in seals[:-1]),
    ]


# ---- what a forger does ------------------------------------------------------------------------------------------


def list_sealed(runs_dir: Path) -> list[Path]:
    """Every file that is evidence, the manifests and the ledger."""
    folders = [*(runs_dir / name for name in RUNS), runs_dir / "documents" / "A1-7"]
    files = [folder / name for folder in folders for name in (*mark_files(folder), MANIFEST)]
    return [*files, runs_dir / ledger.FILE]


def change_byte(file: Path, draw: Callable[[int], int]) -> None:
    content = bytearray(file.read_bytes())
    if content:
        content[draw(len(content))] ^= 1 + draw(255)
    file.write_bytes(bytes(content) or b"x")


def cut(file: Path, draw: Callable[[int], int]) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: draw(len(content))] if content else b"x")


def remove(file: Path, draw: Callable[[int], int]) -> None:
    file.unlink()


def rename(file: Path, draw: Callable[[int], int]) -> None:
    file.rename(file.with_name(f"autre-{file.name}"))


def add_beside(file: Path, draw: Callable[[int], int]) -> None:
    """A file more in a sealed folder, a line more in the ledger."""
    if file.name == ledger.FILE:
        file.write_bytes(file.read_bytes() + file.read_bytes().splitlines(keepends=True)[draw(3)])
    else:
        file.with_name(f"{file.name}.ajout").write_bytes(b"")


def reseal(file: Path, draw: Callable[[int], int]) -> None:
    """The file changed, and the manifest made to agree with it; the ledger's last lines gone with the ledger."""
    if file.name in (ledger.FILE, MANIFEST):
        cut(file, draw)
        return
    change_byte(file, draw)
    folder = next(one for one in file.parents if (one / MANIFEST).is_file())
    manifest = parse_manifest((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_bytes(render_manifest(dataclasses.replace(manifest, files=mark_files(folder))))


FORGERIES = (change_byte, cut, remove, rename, add_beside, reseal)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_changed_in_a_runs_folder_is_noticed_and_its_place_named(
    site: Governed, tmp_path: Path, data: st.DataObject
) -> None:
    runs_dir = copy(site, tmp_path)
    files = list_sealed(runs_dir)
    file = data.draw(st.sampled_from(files))
    forge = data.draw(st.sampled_from(FORGERIES))
    forge(file, lambda below: data.draw(st.integers(0, below - 1)))
    wrong = look_at(runs_dir)
    assert wrong
    if file.name == ledger.FILE:
        assert wrong[0].about == "registre" or "absent" in wrong[0].text or "ligne" in wrong[0].text
        return
    place = next(one for one in (*RUNS, "documents/A1-7") if file.is_relative_to(runs_dir / one))
    assert place in {one.about for one in wrong}
    told = " ".join(one.text for one in wrong)
    named = (MANIFEST, "manifeste") if file.name == MANIFEST or forge is reseal else (file.name,)
    assert any(one in told for one in named)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_files_or_folders_that_change_places_are_noticed(
    site: Governed, tmp_path: Path, data: st.DataObject
) -> None:
    runs_dir = copy(site, tmp_path)
    files = [file for file in list_sealed(runs_dir) if file.name != ledger.FILE]
    folders = [runs_dir / name for name in RUNS]
    one, other = data.draw(
        st.sampled_from([files, folders]).flatmap(
            lambda among: st.lists(st.sampled_from(among), min_size=2, max_size=2, unique=True)
        )
    )
    if one.is_file() and one.read_bytes() == other.read_bytes():
        return
    aside = runs_dir / "de-cote"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    assert look_at(runs_dir)


@pytest.mark.parametrize("left", range(1, 6))
def test_a_ledger_whose_last_lines_are_cut_is_noticed_in_a_folder_and_for_one_thing(
    site: Governed, tmp_path: Path, left: int
) -> None:
    runs_dir = copy(site, tmp_path)
    file = runs_dir / ledger.FILE
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:left]))
    assert look_at(runs_dir)[0].about == "registre"
    code, out = run("verify", runs_dir / "documents" / "A1-7")
    assert code == 1
    assert "du registre, qui inscrit le manifeste, a été retirée" in out.splitlines()[1]


def test_a_run_sealed_in_another_ledger_does_not_take_the_place_of_one_of_this_ledger(
    site: Governed, tmp_path: Path
) -> None:
    runs_dir = copy(site, tmp_path)
    (tmp_path / "autre").mkdir()
    forged = publish_run(make_governed(tmp_path / "autre"), "deux", started_at=NOW)
    shutil.rmtree(runs_dir / "deux")
    shutil.copytree(forged, runs_dir / "deux")
    code, out = run("verify", runs_dir / "deux")
    assert (code, "le manifeste est d'un autre registre" in out) == (1, True)
    assert look_at(runs_dir)


def test_an_older_state_put_back_is_told_from_the_last_one(tmp_path: Path) -> None:
    governed = make_governed(tmp_path)
    folder = seal_document(governed, "A1", {"note.html": b"un"})
    before = shutil.copytree(folder, tmp_path / "avant")
    seal_document(governed, "A1", {"note.html": b"deux"})
    assert look_at(governed.runs_dir) == []
    shutil.rmtree(folder)
    shutil.copytree(before, folder)
    assert "un manifeste plus récent est inscrit (ligne 3)" in look_at(governed.runs_dir)[0].text


def test_a_removed_folder_is_named_unless_a_purge_said_so(site: Governed, tmp_path: Path) -> None:
    runs_dir = copy(site, tmp_path)
    shutil.rmtree(runs_dir / "deux")
    assert [one.about for one in look_at(runs_dir)] == ["deux"]
    ledger.append(
        runs_dir / ledger.FILE,
        kind="purge",
        platform="embarquee",
        person="",
        ticket="",
        data={"folders": ["deux"]},
        at=NOW + timedelta(days=400),
        people=None,
        signed=None,
    )
    assert look_at(runs_dir) == []
    assert "deux : purgé (registre, ligne 7)" in run("verify", runs_dir)[1]


def seal_as_before(run_dir: Path) -> None:
    """A run as it was kept before manifests had a format: hashes alone, their own in the line of the ledger."""
    hashes = hash_files(run_dir)
    head = ledger.append(
        run_dir.parent / ledger.FILE,
        kind="campagne",
        platform="embarquee",
        person="",
        ticket="AQ-1",
        data=describe_run(judge_folder(run_dir, generated_at=NOW), hashes),
        at=NOW,
        people=None,
        signed=None,
    )
    old = {"sha256": hashes, "ledger": dataclasses.asdict(head)}
    (run_dir / MANIFEST).write_text(json.dumps(old), encoding="utf-8")


def test_a_run_of_before_this_format_verifies_and_its_alterations_are_named(
    site: Governed, tmp_path: Path
) -> None:
    run_dir = tmp_path / "anciens" / "deux"
    shutil.copytree(site.runs_dir / "deux", run_dir)
    seal_as_before(run_dir)
    assert look_at(run_dir.parent) == []
    file = run_dir / "events.jsonl"
    file.write_bytes(file.read_bytes() + b" ")
    assert "events.jsonl" in look_at(run_dir.parent)[0].text
    manifest = json.loads((run_dir / MANIFEST).read_text(encoding="utf-8"))
    manifest["sha256"] = hash_files(run_dir)
    (run_dir / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert "le manifeste a été modifié" in look_at(run_dir.parent)[0].text


def test_what_the_line_of_an_old_migration_does_not_cover_is_told(tmp_path: Path) -> None:
    governed = make_governed(tmp_path)
    folder = governed.runs_dir / "M-1"
    folder.mkdir()
    for name in ("migration.json", "rapport.html"):
        (folder / name).write_text(name, encoding="utf-8")
    hashes = hash_files(folder)
    head = ledger.append(
        governed.runs_dir / ledger.FILE,
        kind="migration",
        platform="embarquee",
        person="",
        ticket="AQ-1",
        data={"migration": "M-1", "sha256": hashes["migration.json"]},
        at=NOW,
        people=None,
        signed=None,
    )
    old = {"sha256": hashes, "ledger": dataclasses.asdict(head)}
    (folder / MANIFEST).write_text(json.dumps(old), encoding="utf-8")
    assert look_at(governed.runs_dir) == []
    found = verify_runs(governed.runs_dir, Means(find_people(governed.runs_dir), {}))
    told = [one.text for one in found if one.state is State.NOTE and one.about == "M-1"]
    assert told == ["format ancien : rapport.html sous le seul manifeste, pas sous la ligne du registre"]


def test_a_manifest_of_the_former_format_cannot_take_the_place_of_a_present_one(
    site: Governed, tmp_path: Path
) -> None:
    runs_dir = copy(site, tmp_path)
    file = runs_dir / "deux" / MANIFEST
    manifest = parse_manifest(file.read_bytes())
    assert manifest.head is not None
    old = {
        "sha256": {name: mark.sha256 for name, mark in manifest.files.items()},
        "ledger": dataclasses.asdict(manifest.head),
    }
    file.write_text(json.dumps(old), encoding="utf-8")
    assert "celui-ci est d'un format ancien" in look_at(runs_dir)[0].text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{\n  "format"', b'{\n\t"format"'),
        (b'"problems": []', b'"problems": [ ]'),
        (b'"kind": "campagne"', b'"kind": "autre",\n  "kind": "campagne"'),
        (b'"kind": "campagne"', b'"kind": "\\u0063ampagne"'),
        (b"}\n", b"}"),
    ],
)
def test_a_manifest_that_says_the_same_in_other_bytes_is_refused(
    site: Governed, tmp_path: Path, before: bytes, after: bytes
) -> None:
    runs_dir = copy(site, tmp_path)
    file = runs_dir / "deux" / MANIFEST
    content = file.read_bytes()
    assert before in content
    file.write_bytes(after.join(content.rsplit(before, 1)))
    wrong = look_at(runs_dir)
    assert [one.about for one in wrong] == ["deux"]
    assert "il n'est pas écrit comme l'outil l'écrit" in wrong[0].text


def test_what_a_kill_leaves_between_the_ledger_and_the_manifest_is_not_taken_for_sealed_and_is_sealed_again(
    tmp_path: Path,
) -> None:
    governed = make_governed(tmp_path)
    folder = seal_document(governed, "A1", {"note.html": b"un"})
    (folder / MANIFEST).unlink()
    assert "pas scellé" in look_at(governed.runs_dir)[0].text
    seal_document(governed, "A1", {"note.html": b"un"})
    assert look_at(governed.runs_dir) == []


def test_what_a_kill_left_aside_once_it_was_sealed_is_found_and_verifies_in_its_place(
    site: Governed, tmp_path: Path
) -> None:
    runs_dir = copy(site, tmp_path)
    place = runs_dir / "documents" / "A1-7"
    aside = place.parent / ".tmpabcd" / "A1-7"
    aside.parent.mkdir()
    place.rename(aside)
    code, out = run("verify", runs_dir)
    assert code == 0
    assert "interrompue après le registre, rien n'y manque (.tmpabcd/A1-7/manifest.json)" in out
    (aside / "note.html").write_bytes(b"<p>autre</p>")
    assert [one.about for one in look_at(runs_dir)] == ["documents/A1-7"]
    (aside / "note.html").write_bytes(b"<p>note</p>")
    finish_sealed(place.parent, runs_dir)
    assert look_at(runs_dir) == []
    assert place.is_dir()


def test_a_copy_beside_what_stands_in_its_place_is_left_alone(site: Governed, tmp_path: Path) -> None:
    runs_dir = copy(site, tmp_path)
    place = runs_dir / "documents" / "A1-7"
    kept = shutil.copytree(place, place.parent / ".sauvegarde" / "A1-7")
    finish_sealed(place.parent, runs_dir)
    assert kept.is_dir()
    assert look_at(runs_dir) == []
    (place / "note.html").write_bytes(b"<p>autre</p>")
    finish_sealed(place.parent, runs_dir)
    assert [one.about for one in look_at(runs_dir)] == ["documents/A1-7"]


def test_what_is_no_evidence_is_named_or_counted(site: Governed, tmp_path: Path) -> None:
    runs_dir = copy(site, tmp_path)
    (runs_dir / "un" / "suspendus").mkdir()
    for number in range(8):
        (runs_dir / "un" / "suspendus" / f"{number}.html").write_text("x", encoding="utf-8")
    code, out = run("verify", runs_dir / "un")
    assert code == 0
    assert "hors preuve : suspendus/0.html, " in out
    assert "suspendus/4.html et 3 autre(s)" in out


def test_a_link_in_a_sealed_folder_is_refused(site: Governed, tmp_path: Path) -> None:
    runs_dir = copy(site, tmp_path)
    (runs_dir / "un" / "lien").symlink_to("/etc/hostname")
    assert look_at(runs_dir)[0].text.startswith("lien : un lien")
    with pytest.raises(EvidenceWrong):
        mark_files(runs_dir / "un")


def test_without_its_ledger_a_thing_is_not_called_conforming(site: Governed, tmp_path: Path) -> None:
    alone = shutil.copytree(site.runs_dir / "trois", tmp_path / "ailleurs" / "trois")
    code, out = run("verify", alone)
    assert code == 2
    assert "sans registre" in out


def test_what_does_not_exist_is_a_wrong_use_and_an_unsealed_folder_is_named(tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path / "rien")]) == 3
    (tmp_path / "vide").mkdir()
    code, out = run("verify", tmp_path / "vide")
    assert (code, "pas scellé" in out) == (1, True)


def test_the_content_is_judged_again_and_a_report_that_disagrees_is_told(
    site: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    governed = make_governed(tmp_path)
    run_dir = publish_run(governed, "un", {**ALL_GOOD, "APP-001": Outcome.KO})
    report = run_dir / "report.json"
    report.write_text(report.read_text(encoding="utf-8").replace('"KO"', '"OK"'), encoding="utf-8")
    seal_run(run_dir, judge_folder(run_dir))  # by the tool itself, ledger and all
    monkeypatch.setattr("tasks.evidence.read_commit", lambda: commit_of(run_dir))
    code, out = run("verify", run_dir)
    assert (code, "ne donne plus le même rapport" in out.splitlines()[1]) in ((1, True), (2, True))
    assert code == (2 if commit_of(run_dir).endswith("-dirty") else 1)


def commit_of(run_dir: Path) -> str:
    return parse_manifest((run_dir / MANIFEST).read_bytes()).tool_commit


# ---- signatures --------------------------------------------------------------------------------------------------


def edit_people(governed: Governed, root: Path, before: str, after: str) -> str:
    text = (governed.governance / "people.toml").read_text(encoding="utf-8")
    assert before in text
    shutil.copytree(governed.root, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("passages"))
    (root / "gouvernance" / "people.toml").write_text(text.replace(before, after), encoding="utf-8")
    return str(root / "plateforme.toml")


OWN = "AAAAC3NzaC1lZDI1NTE5AAAAIBHOsJ5xwci9YRvewo51G/tYbSVDo+4R8o1XmF7j3lqR"
NEXT = OWN.replace("BHOsJ5xwci9YRvewo51G", "BHOsJ5xwci9YRvewo51H")


def replace_key(until: str) -> str:
    """The line of keys once the key was replaced, the old one with its end."""
    former = f'former_keys = [{{ key = "ssh-ed25519 {OWN}", until = {until} }}]\n' if until else ""
    return f'{former}keys = ["ssh-ed25519 {NEXT}"]'


@pytest.mark.parametrize(
    ("until", "code", "said"),
    [
        ("2027-01-01T00:00:00+01:00", 0, "1 signature(s) vérifiée(s)"),
        ("2026-01-01T00:00:00+01:00", 1, "n'est plus celle de « titulaire-essai » au moment de la décision"),
        ("", 1, "remettez-la parmi ses anciennes clés, avec sa fin (former_keys)"),
    ],
)
def test_what_was_signed_by_a_key_that_was_replaced_since_verifies_as_at_its_time(
    site: Governed, tmp_path: Path, until: str, code: int, said: str
) -> None:
    other = edit_people(site, tmp_path / "b", f'keys = ["ssh-ed25519 {OWN}"]', replace_key(until))
    found, out = run("verify", site.runs_dir, "--platform", other)
    assert (found, said in out) == (code, True), out


@pytest.mark.parametrize(
    ("former", "code", "said"),
    [
        ('[{ role = "titulaire", until = 2027-01-01T00:00:00+01:00 }]', 0, "1 signature(s) vérifiée(s)"),
        ('[{ role = "titulaire", until = 2026-01-01T00:00:00+01:00 }]', 1, "est spc_gd au moment"),
        ("[]", 1, "gardez l'ancien avec sa fin (former_roles)"),
    ],
)
def test_what_somebody_signed_in_a_former_role_verifies_as_at_its_time(
    site: Governed, tmp_path: Path, former: str, code: int, said: str
) -> None:
    after = f'role = "spc_gd"\nformer_roles = {former}'
    other = edit_people(site, tmp_path / "b", 'role = "titulaire"', after)
    found, out = run("verify", site.runs_dir, "--platform", other)
    assert (found, said in out) == (code, True), out


def test_an_unknown_signer_is_told_apart_from_a_forged_signature(site: Governed, tmp_path: Path) -> None:
    other = edit_people(site, tmp_path / "b", "BHOsJ5xwci9YRvewo51G", "BHOsJ5xwci9YRvewo51H")
    code, out = run("verify", site.runs_dir, "--platform", other)
    assert (code, "signataire inconnu" in out, "fausse signature" in out) == (1, True, False)

    runs_dir = copy(site, tmp_path)
    file = runs_dir / ledger.FILE
    entries = ledger.read_entries(file)
    forge_signature(file, next(one for one in entries if one.decision is not None))
    wrong = list_wrong(verify_runs(runs_dir, Means(find_people(runs_dir), {})))
    assert "fausse signature" in wrong[0].text
    assert not any("inconnu" in one.text for one in wrong)


def forge_signature(file: Path, signed: ledger.LedgerEntry) -> None:
    """Another reason in the decision, the ledger written anew around it, manifests gone: only the signature tells."""
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    lines[signed.sequence - 1]["decision"]["reason"] = "Autre motif"
    previous, written = lines[0]["previous"], b""
    for number, line in enumerate(lines, 1):
        fields = {key: value for key, value in line.items() if key not in ("sequence", "previous", "sha256")}
        if line["kind"] != ledger.OPENING:
            fields["data"] = {key: value for key, value in line["data"].items() if key != "manifest"}
        text, previous = ledger._write_line(fields, number, previous)
        written += text
    file.write_bytes(written)
    for folder in [*file.parent.glob(f"*/{MANIFEST}"), *file.parent.glob(f"*/*/{MANIFEST}")]:
        shutil.rmtree(folder.parent)


# ---- zips --------------------------------------------------------------------------------------------------------


def test_an_export_verifies_elsewhere_and_is_the_same_whenever_it_is_made(
    site: Governed, exported: Path, tmp_path: Path
) -> None:
    code, out = run("verify", exported)
    assert (code, out.splitlines()[0]) == (0, f"Preuve conforme : {exported}")
    assert "documents/A1-7 : inscrit à la ligne 6" in out
    again = tmp_path / "encore.zip"
    assert run("export", site.runs_dir / "un", site.runs_dir / "documents" / "A1-7", again)[0] == 0
    assert again.read_bytes() == exported.read_bytes()


def test_an_export_holds_no_name_of_a_person(site: Governed, exported: Path) -> None:
    content = exported.read_bytes().decode("utf-8", "replace")
    assert site.people.find_name_in(content) is None
    assert "personnes-" in content


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_byte_changed_or_cut_in_an_export_is_noticed(
    exported: Path, tmp_path: Path, data: st.DataObject
) -> None:
    changed = tmp_path / "change.zip"
    shutil.copyfile(exported, changed)
    data.draw(st.sampled_from([change_byte, cut]))(
        changed, lambda below: data.draw(st.integers(0, below - 1))
    )
    code, out = run("verify", changed)
    assert code == 1
    assert out.splitlines()[1].startswith("ERREUR")


def test_an_export_verifies_with_nothing_but_a_copy_of_the_project(exported: Path, tmp_path: Path) -> None:
    project = tmp_path / "depot"
    for name in ("nonreg", "tasks", "reports", "flows"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    there = tmp_path / "recue.zip"
    shutil.copyfile(exported, there)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "nonreg", "verify", str(there)],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"Preuve conforme : {there}"), done.stdout


def test_an_export_against_a_head_that_somebody_kept(site: Governed, exported: Path) -> None:
    head = ledger.read_head(site.runs_dir / ledger.FILE)
    assert head is not None
    word = f"{head.ledger_id}:{head.sequence}:"
    assert run("verify", exported, "--head", word + head.sha256)[0] == 0
    code, out = run("verify", exported, "--head", word + "0" * 64)
    assert (code, "a été réécrite" in out) == (1, True)


def test_what_is_altered_is_not_exported(site: Governed, tmp_path: Path) -> None:
    runs_dir = copy(site, tmp_path)
    (runs_dir / "un" / "report.html").write_text("", encoding="utf-8")
    code, out = run("export", runs_dir / "un", tmp_path / "p.zip")
    assert (code, "report.html" in out) == (1, True)
    assert not (tmp_path / "p.zip").exists()


def test_an_export_changes_nothing_sealed_and_takes_the_place_of_no_other_file(
    site: Governed, tmp_path: Path
) -> None:
    runs_dir = copy(site, tmp_path)
    register = (runs_dir / ledger.FILE).read_bytes()
    for target in (
        runs_dir / "un" / "p.zip",
        runs_dir / "deux" / "report.pdf",
        runs_dir / "documents" / "A1-7" / "annexes" / "p.zip",
        runs_dir / ledger.FILE,
    ):
        assert run("export", runs_dir / "un", target)[0] == 3, target
    assert (runs_dir / ledger.FILE).read_bytes() == register
    assert look_at(runs_dir) == []
    for _ in range(2):
        assert run("export", runs_dir / "un", runs_dir / "p.zip")[0] == 0


def test_a_name_that_verify_refuses_is_not_sealed(site: Governed, tmp_path: Path) -> None:
    runs_dir = copy(site, tmp_path)
    register = (runs_dir / ledger.FILE).read_bytes()
    folder = runs_dir / "documents" / "A1-8"
    folder.mkdir()
    (folder / "a\u200bb.txt").write_text("x", encoding="utf-8")
    thing = Thing("piece", "A1-8", site.platform.name, site.platform.identity_token, NOW, "AQ-1")
    with pytest.raises(EvidenceWrong, match=r"a\?b\.txt.*caractère invisible"):
        seal_folder(folder, thing, runs_dir)
    assert (runs_dir / ledger.FILE).read_bytes() == register
    assert not (folder / MANIFEST).exists()


def test_a_zip_of_a_whole_runs_folder_made_by_hand_verifies_too(site: Governed, tmp_path: Path) -> None:
    made = shutil.make_archive(str(tmp_path / "tout"), "zip", site.root, "passages")
    code, out = run("verify", made)
    assert (code, EXPORT in out) == (0, False)
