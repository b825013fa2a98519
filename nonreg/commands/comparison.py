"""Command `compare`: one table, or several, on two nodes or two platforms."""

from __future__ import annotations

import argparse
import csv
import functools
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nonreg.commands import EXIT_INCOMPLETE, EXIT_KO, EXIT_OK, RUNS_DIR, Commands
from nonreg.errors import ConfigError, NonregError, PlatformError, UsageError
from nonreg.french import explain_os_error
from nonreg.screen import show, unguarded

if TYPE_CHECKING:
    from nonreg.comparison.compare import Comparison, Options
    from nonreg.comparison.progress import Progress
    from nonreg.comparison.run import Place
    from nonreg.sqlfiles.golden import Golden

JOURNALS = "comparaisons"
SHOWN = 20  # lines of differences on the screen
UNFOLDED = 400  # characters
FORMULA = tuple("=+-@\t\r|＝＋－＠")  # what a cell of a spreadsheet begins with, to compute
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
LINE_SECONDS = 5.0  # between two lines of progress where there is no terminal


def add_commands(commands: Commands) -> None:
    """Add `compare`."""
    compare = commands.add_parser(
        "compare",
        help="comparer des tables entre deux nœuds, ou entre deux plateformes",
        description="Compare des tables ligne à ligne sans les transporter : les serveurs calculent des sommes de\n"
        "contrôle par tranche, les deux en même temps, et seules les lignes qui diffèrent sont lues et nommées.\n"
        "Par défaut, entre le site actif et le site passif de la plateforme ; avec --with, entre les sites actifs de\n"
        "deux plateformes.",
        epilog="codes de sortie : 0 identiques, 1 des lignes diffèrent, 2 une table n'a pas pu être comparée,\n"
        "3 erreur d'utilisation ou de configuration. Interrompue, une comparaison bornée (--bound) reprend où elle en\n"
        "était quand la même commande est relancée.",
    )
    compare.set_defaults(run_command=run_compare)
    compare.add_argument(
        "--platform", required=True, metavar="NOM|FICHIER", help="nom ou fichier TOML de la plateforme"
    )
    compare.add_argument(
        "--table", required=True, action="append", metavar="SCHÉMA.TABLE", help="table à comparer (répétable)"
    )
    compare.add_argument(
        "--golden",
        default="",
        metavar="FICHIER",
        help="comparer la table du site actif à ce jeu de référence (CSV), sur les colonnes du fichier",
    )
    compare.add_argument(
        "--record",
        default="",
        metavar="FICHIER",
        help="écrire ce jeu de référence d'après la table du site actif, à relire avant de s'en servir",
    )
    compare.add_argument(
        "--columns",
        default="",
        metavar="COLONNES",
        help="colonnes à écrire, par exemple a,b,c (--record ; défaut : toutes)",
    )
    compare.add_argument(
        "--with", dest="other", default="", metavar="NOM|FICHIER", help="autre plateforme, à droite"
    )
    compare.add_argument(
        "--common",
        action="store_true",
        help="laisser de côté les colonnes qu'un seul côté a, et le dire (défaut : la table n'est pas comparée)",
    )
    compare.add_argument(
        "--bound",
        default="",
        metavar="COLONNE",
        help="ne comparer que les lignes dont cette colonne est au plus --upto, celles que personne n'écrit plus",
    )
    compare.add_argument(
        "--upto",
        default="",
        metavar="VALEUR",
        help="borne (défaut : la plus petite des plus grandes valeurs des deux côtés)",
    )
    compare.add_argument(
        "--again",
        default="",
        metavar="SECONDES",
        help="regarder une seconde fois après ce délai : un retard de réplication n'est pas un écart",
    )
    compare.add_argument(
        "--load",
        default="1",
        metavar="PART",
        help="part du temps pendant laquelle les serveurs travaillent pour la comparaison, de 0,01 à 1 (défaut : 1)",
    )
    compare.add_argument(
        "--abort",
        default="",
        metavar="SECONDES",
        help="abandonner dès qu'une requête dure davantage : le serveur est trop chargé",
    )
    compare.add_argument(
        "--most",
        default="",
        metavar="N",
        help="nombre de lignes nommées au plus de chaque côté (défaut : 200000)",
    )
    compare.add_argument(
        "--output", default="", metavar="FICHIER", help="écrire toutes les lignes qui diffèrent, en CSV"
    )
    compare.add_argument(
        "--runs-dir",
        default=RUNS_DIR,
        metavar="DOSSIER",
        help=f"dossier des passages, où une comparaison interrompue garde ses sommes (défaut : {RUNS_DIR})",
    )


def run_compare(options: argparse.Namespace) -> int:
    """Compare each table, tell, write."""
    from nonreg.comparison.golden import compare_golden
    from nonreg.comparison.run import compare_table
    from nonreg.comparison.table import parse_name
    from nonreg.comparison.wording import tell_comparison

    for table in options.table:
        parse_name(table)
    check_files(options)
    if options.record:
        return record(options)
    places = find_places(options)
    again = parse_seconds(options.again, "--again")
    chosen = {
        table: read_options(options, table, places) for table in options.table
    }  # before a file is touched
    codes = []
    with open_output(options.output) as rows:
        for table in options.table:
            with show_progress(table) as tell:
                try:
                    if options.golden:
                        found = compare_golden(places[0], table, read_file(options.golden), chosen[table])
                    else:
                        settle = None if again is None else functools.partial(time.sleep, again)
                        found = compare_table(*places, table, chosen[table], tell, settle)
                except PlatformError as error:
                    found, refusal = None, str(error)
            if found is None:
                print(f"{table} : non comparée, rien n'est établi. {refusal}")  # noqa: T201
                codes.append(EXIT_INCOMPLETE)
                continue
            print(tell_comparison(found))  # noqa: T201
            show_differences(found, rows)
            codes.append(EXIT_OK if found.is_equal else EXIT_KO)
    if options.output:
        print(f"Lignes qui diffèrent : {options.output}")  # noqa: T201
    return next((code for code in (EXIT_KO, EXIT_INCOMPLETE) if code in codes), EXIT_OK)


def check_files(options: argparse.Namespace) -> None:
    """UsageError for options that do not go together."""
    files = [name for name in ("golden", "record") if getattr(options, name)]
    if len(files) > 1:
        raise UsageError("--golden compare à un fichier, --record en écrit un : l'un ou l'autre.")
    if options.columns and not options.record:
        raise UsageError("--columns choisit ce que --record écrit : il ne va pas sans lui.")
    if files and options.bound and not options.upto:
        raise UsageError(
            f"--bound prend sa valeur des deux côtés, et --{files[0]} n'en a qu'un : ajoutez --upto."
        )
    if files and (options.other or len(options.table) > 1):
        raise UsageError(
            f"--{files[0]} est le fichier d'une table, d'une plateforme : sans --with, une seule --table."
        )


def read_file(path: str) -> Golden:
    """A golden file; ConfigError names it."""
    from nonreg.sqlfiles.golden import read_golden

    try:
        return read_golden(Path(path).read_text(encoding="utf-8"))
    except ConfigError as error:
        raise ConfigError(f"{path} : {error}.") from error
    except OSError as error:
        raise ConfigError(f"{path} : lecture impossible ({explain_os_error(error)}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} : ce n'est pas un texte en UTF-8.") from error


def record(options: argparse.Namespace) -> int:
    """`--record`: what the active site's table holds now."""
    from nonreg.comparison.golden import record_golden

    (table,), place = options.table, find_places(options)[0]
    columns = tuple(name.strip() for name in options.columns.split(",")) if options.columns else ()
    text = record_golden(place, table, columns, read_options(options, table, (place, place)))
    try:
        Path(options.record).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise NonregError(f"{options.record} : écriture impossible ({explain_os_error(error)}).") from error
    print(f"Jeu de référence de {table} : {options.record}, à relire avant de s'en servir.")  # noqa: T201
    return EXIT_OK


def find_places(options: argparse.Namespace) -> tuple[Place, Place]:
    """Both sides; UsageError for two platforms that are one."""
    from nonreg.comparison.run import Place
    from nonreg.config import load_platform
    from nonreg.model import SiteRole

    platform = load_platform(options.platform)
    if not options.other:
        return tuple(Place(platform, platform.site(role)) for role in (SiteRole.ACTIF, SiteRole.PASSIF))  # type: ignore[return-value]
    other = load_platform(options.other)
    left, right = (Place(one, one.site(SiteRole.ACTIF)) for one in (platform, other))
    if left.site.database == right.site.database:
        raise UsageError("--platform et --with désignent la même base : il n'y a rien à comparer.")
    return left, right


def read_options(options: argparse.Namespace, table: str, places: tuple[Place, Place]) -> Options:
    """What the command line says of one table; a bound of a comparison that was cut short is kept."""
    from nonreg.comparison.compare import MOST_DIFFERENCES, Options
    from nonreg.comparison.journal import find_mark
    from nonreg.comparison.pace import Pace
    from nonreg.comparison.slices import Bound

    if options.upto and not options.bound:
        raise UsageError("--upto est la valeur d'une borne : il va avec --bound COLONNE.")
    names = [f"{place.platform.name}-{place.site.code}" for place in places]
    file = "--".join([re.sub(r"[^\w.-]", "_", table), *names]) + ".jsonl"
    journal = Path(options.runs_dir) / JOURNALS / file
    upto = options.upto or find_mark(journal, options.bound) if options.bound else None
    most = options.most or str(MOST_DIFFERENCES)
    if not most.isascii() or not most.isdigit() or int(most) < 1:
        raise UsageError(f"--most est un nombre de lignes, 1 au moins : « {most} ».")
    return Options(
        bound=Bound(options.bound, upto) if options.bound else None,
        pace=Pace(parse_number(options.load, "--load"), parse_seconds(options.abort, "--abort")),
        most=int(most),
        journal=journal if options.bound else None,
        common=options.common,
    )


def parse_number(text: str, option: str) -> float:
    """A number, with a point or a comma."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise UsageError(f"{option} est un nombre : « {text} ».") from None


def parse_seconds(text: str, option: str) -> float | None:
    """A duration; None when it is not given."""
    if not text:
        return None
    seconds = parse_number(text, option)
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{option} est une durée en secondes : « {text} ».")
    return seconds


@contextmanager
def open_output(path: str) -> Iterator[TextIO | None]:
    """The CSV file with its heading; None when none is wanted."""
    if not path:
        yield None
        return
    from nonreg.comparison.wording import HEADINGS

    try:
        with Path(path).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerow(("table", *HEADINGS))
            yield file
    except OSError as error:
        raise NonregError(f"{path} : écriture impossible ({explain_os_error(error)}).") from error


def defuse_cell(words: str) -> str:
    """A text that a spreadsheet takes for no formula; a number stays one."""
    return f"'{words}" if words.lstrip().startswith(FORMULA) and not NUMBER.fullmatch(words) else words


def show_differences(found: Comparison, file: TextIO | None) -> None:
    """The first lines on the screen, all of them in the file."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nonreg.comparison.wording import HEADINGS, list_rows

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (*HEADINGS[:3], *found.places):
        shown.add_column(Text(show(heading)), overflow="fold")
    count = 0
    for row in list_rows(found):
        count += 1
        if count <= SHOWN:
            shown.add_row(*(Text(show(cell)) for cell in row))
        if file is not None:
            csv.writer(file, delimiter=";").writerow(map(defuse_cell, (found.table, *row)))
    if count:
        # Nothing is folded where nobody looks at a screen.
        width = None if sys.stdout.isatty() else UNFOLDED
        Console(file=unguarded(sys.stdout), highlight=False, width=width).print(shown)
    if count > SHOWN:
        where = "dans le fichier" if file is not None else "avec --output FICHIER"
        print(f"  … et {count - SHOWN} lignes de plus {where}")  # noqa: T201


@contextmanager
def show_progress(table: str) -> Iterator[Callable[[Progress], None]]:
    """One line that changes on a terminal, a line from time to time elsewhere; never on the standard output."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(file=unguarded(sys.stderr), highlight=False)
    if console.is_terminal:
        with console.status(escape(show(table))) as status:
            yield lambda progress: status.update(escape(show(f"{table} — {progress.tell()}")))
        return
    last = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_SECONDS:
            last = time.monotonic()
            console.print(show(f"{table} — {progress.tell()}"), markup=False)

    yield tell
