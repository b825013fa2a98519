"""Commands of evidence: verify a folder or a zip anywhere, export one that verifies elsewhere."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_KO, EXIT_OK, Commands
from nonreg.errors import UsageError

if TYPE_CHECKING:
    from nonreg.evidence.signatures import Known
    from nonreg.evidence.verify import Finding, Means

DEEPEST = 2  # folders around what was zipped


def add_commands(commands: Commands) -> None:
    """Add `verify` and `export`."""
    verify = commands.add_parser(
        "verify",
        help="vérifier une preuve : un dossier scellé, une archive, ou tout un dossier de passages",
        description="Vérifie sans réseau, sur n'importe quelle machine qui a ce dépôt : le manifeste, chaque fichier,\n"
        "la chaîne du registre, les signatures, puis le contenu (un passage est jugé de nouveau). Ce qui ne va pas\n"
        "est écrit en premier.",
        epilog="codes de sortie : 0 conforme, 1 altéré, 2 conforme mais quelque chose n'a pas pu être vérifié,\n"
        "3 erreur d'utilisation",
    )
    verify.set_defaults(run_command=verify_evidence)
    verify.add_argument(
        "evidence", metavar="DOSSIER|ZIP", help="dossier scellé, dossier des passages, ou archive"
    )
    verify.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="ID:NUMÉRO:SHA256",
        help="tête du registre gardée ailleurs, par exemple dans un ticket (plusieurs fois possible)",
    )
    export = commands.add_parser(
        "export",
        help="écrire une archive de preuves qui se vérifie ailleurs",
        description="Écrit dans une archive les dossiers scellés nommés (passage, relevé, document), ce à quoi un\n"
        "relevé renvoie, le registre et les clés publiques des signataires, sans leurs noms. La même preuve donne\n"
        "toujours la même archive. Ce qui est altéré n'est pas exporté.",
        epilog="codes de sortie : 0 archive écrite, 1 preuve altérée, 3 erreur d'utilisation",
    )
    export.set_defaults(run_command=export_evidence)
    export.add_argument("folders", nargs="+", metavar="DOSSIER", help="dossiers scellés")
    export.add_argument("archive", metavar="ARCHIVE", help="fichier à écrire, par exemple preuve.zip")
    for command in (verify, export):
        command.add_argument(
            "--runs-dir",
            default="",
            metavar="DOSSIER",
            help="dossier du registre (défaut : autour du dossier)",
        )
        command.add_argument(
            "--platform",
            default="",
            metavar="NOM|FICHIER",
            help="plateforme dont le fichier des personnes n'est pas dans ce dépôt",
        )


def verify_evidence(options: argparse.Namespace) -> int:
    """`verify`: every finding, what is wrong first; exit code 1 when something is, 2 when something is not known."""
    from nonreg.evidence.archive import open_archive
    from nonreg.evidence.files import EvidenceWrong
    from nonreg.evidence.verify import Finding, State

    path = Path(options.evidence)
    if not path.exists():
        raise UsageError(f"Rien à vérifier : {path} n'existe pas.")
    findings: list[Finding] = []
    try:
        if path.is_dir():
            findings += verify_folder(path, options)
        else:
            with open_archive(path) as root:
                found = verify_archive(path, root, options)
                # Where we read it means nothing to anybody.
                findings += [replace(one, text=one.text.replace(f"{root}/", "")) for one in found]
    except EvidenceWrong as error:
        findings.append(Finding(State.WRONG, path.name, str(error)))
    states = {one.state for one in findings}
    code, word = EXIT_OK, "Preuve conforme"
    if State.WRONG in states:
        code, word = EXIT_KO, "Preuve ALTÉRÉE"
    elif State.UNKNOWN in states:
        code, word = EXIT_INCOMPLETE, "Preuve conforme, sauf ce qui n'a pas pu être vérifié"
    order = [State.WRONG, State.UNKNOWN]
    findings.sort(key=lambda one: order.index(one.state) if one.state in order else len(order))
    lines = [f"{one.state:<12} {one.about} : {one.text}" for one in findings]
    print("\n".join([f"{word} : {path}", *lines]))  # noqa: T201
    return code


def verify_folder(path: Path, options: argparse.Namespace) -> Iterator[Finding]:
    """A runs' folder, or a thing with the ledger around it."""
    from nonreg.evidence.verify import verify_runs, verify_thing
    from nonreg.ledger import FILE

    if (path / FILE).is_file():
        yield from verify_runs(path, read_means(path, options))
        return
    runs_dir = find_runs_dir(path, options)
    yield from verify_thing(path, runs_dir, read_means(runs_dir or path, options))


def verify_archive(path: Path, root: Path, options: argparse.Namespace) -> Iterator[Finding]:
    """What is in a zip, which is read in the folder `root`."""
    from nonreg.evidence.export import check_export, is_as_written
    from nonreg.evidence.files import EvidenceWrong
    from nonreg.evidence.verify import Finding, State, verify_runs, verify_thing
    from nonreg.ledger import FILE

    folder = find_root(root)
    means = read_means(folder, options)
    wrong = False
    try:
        extract = check_export(folder)
    except EvidenceWrong as error:
        extract, wrong = None, True
        yield Finding(State.WRONG, path.name, str(error))
    if not (folder / FILE).is_file():
        yield from verify_thing(folder, Path(options.runs_dir) if options.runs_dir else None, means)
        return
    for finding in verify_runs(folder, means, extract) if not wrong else ():
        wrong = wrong or finding.state is State.WRONG
        yield finding
    if extract is not None and not wrong:
        with tempfile.TemporaryDirectory() as scratch:
            if not is_as_written(root, path, Path(scratch)):
                yield Finding(
                    State.WRONG,
                    path.name,
                    "l'archive elle-même a été modifiée, sans toucher à son contenu",
                )


def export_evidence(options: argparse.Namespace) -> int:
    """`export`: the archive, its hash to paste in a ticket, and what it holds."""
    from nonreg.evidence.export import export_things
    from nonreg.evidence.files import EvidenceWrong, mark_file

    folders, target = [Path(one) for one in options.folders], Path(options.archive)
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"L'archive ne peut pas être écrite là : {target}.")
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"Ce n'est pas un dossier scellé : {folder}.")
    runs_dir = find_runs_dir(folders[0], options)
    if runs_dir is None:
        raise UsageError(f"Aucun registre autour de {folders[0]} (--runs-dir).")
    require_place(target, folders, runs_dir)
    try:
        places = export_things(folders, runs_dir, target, read_means(runs_dir, options).people)
    except EvidenceWrong as error:
        print(f"Erreur : {error}")  # noqa: T201
        return EXIT_KO
    lines = [f"Archive : {target}", f"SHA-256 : {mark_file(target).sha256}", *(f"  {one}" for one in places)]
    print("\n".join(lines))  # noqa: T201
    return EXIT_OK


def require_place(target: Path, folders: list[Path], runs_dir: Path) -> None:
    """UsageError for an archive that would change what is sealed, or take the place of something else."""
    import zipfile

    from nonreg.evidence.folders import list_things

    place = target.resolve()
    around = [one for one in (*folders, *list_things(runs_dir)) if place.is_relative_to(one.resolve())]
    if around:
        raise UsageError(f"L'archive ne s'écrit pas dans un dossier scellé : {around[0]} n'y survivrait pas.")
    if target.exists() and not zipfile.is_zipfile(target):
        raise UsageError(f"{target} existe et n'est pas une archive : il n'est pas remplacé.")


def find_runs_dir(folder: Path, options: argparse.Namespace) -> Path | None:
    """Where the ledger that knows a thing is: given, or around it; None when there is none."""
    from nonreg.ledger import FILE

    if options.runs_dir:
        return Path(options.runs_dir)
    return next((one for one in folder.resolve().parents[:DEEPEST] if (one / FILE).is_file()), None)


def find_root(root: Path) -> Path:
    """What was zipped, below the folders that such a zip begins with; EvidenceWrong when it is nothing sealed."""
    from nonreg.evidence.files import MANIFEST, EvidenceWrong
    from nonreg.ledger import FILE

    folder = root
    for _ in range(DEEPEST + 1):
        if (folder / FILE).is_file() or (folder / MANIFEST).is_file():
            return folder
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir():
            break
        folder = inside[0]
    raise EvidenceWrong("rien de scellé dans l'archive : ni manifeste ni registre")


def read_means(folder: Path, options: argparse.Namespace) -> Means:
    """With what evidence is checked; UsageError for a head or a platform that is none."""
    from nonreg.evidence.signatures import find_people
    from nonreg.evidence.verify import Means
    from nonreg.ledger_witness import Witness, parse_head
    from tasks.evidence import JUDGES

    heads = tuple(Witness("--head", parse_head(text)) for text in getattr(options, "head", ()))
    return Means(find_people(folder, read_given(options.platform)), JUDGES, heads)


def read_given(platform_name: str) -> dict[tuple[str, str], Known]:
    """The people of the platform that was named, by its name and token."""
    from nonreg.commands.decisions import load_governance
    from nonreg.evidence.signatures import Known

    if not platform_name:
        return {}
    platform, people = load_governance(platform_name)
    return {(platform.name, platform.identity_token): Known(people, f"fichier des personnes {people.file}")}
