"""The comment header of a SQL scenario: `-- clé: valeur` lines at its top, read strictly.

Keys are written with or without accents. A line that starts with `--` and four spaces continues the one before. The
header ends at the first line that is no comment, or at an empty comment. Whatever is wrong is one French sentence.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from nonreg.errors import ConfigError
from nonreg.model import Criticality, Effect, SiteRole
from nonreg.recorder import DEFAULT_TIMEOUT_SECONDS, ID_PATTERN
from nonreg.sqlfiles.rights import ProcedureName, Right, read_procedures, read_rights

ENGINES = ("mssql", "postgresql")
EFFECTS = (Effect.READ_ONLY, Effect.WRITES_TEST_DATA)
REQUIRED = ("id", "titre", "criticite", "effet", "attendu")
OPTIONAL = ("moteur", "site", "exigences", "delai", "droits", "procedures_de_lecture")
GOLDEN_ONLY = ("ordre", "tolerance", "ignorer")
KNOWN = REQUIRED + OPTIONAL + GOLDEN_ONLY
MAX_TIMEOUT_SECONDS = 3600.0
UNITS = {"s": 1.0, "min": 60.0}
LINE = re.compile(r"--\s*([^\W\d][\w ]*?)\s*:(.*)")
CONTINUED = re.compile(r"--(?: {4}|\t)\s*(\S.*)")
DELAY = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?)\s*(s|min)")
REQUIREMENT = re.compile(r"R\d{2,3}")
GOLDEN = re.compile(r"fichier\s+(\S.*)", re.IGNORECASE)
PLAIN_NAME = re.compile(r"[^\\/:*?\"<>|\x00-\x1f]+\.csv", re.IGNORECASE)


class Expectation(StrEnum):
    """What makes a SQL scenario good; the words of the header."""

    NO_ROWS = "aucune ligne"
    GOLDEN = "fichier"
    NO_ERROR = "aucune erreur"


@dataclass(frozen=True, slots=True)
class Header:
    """What a SQL scenario says of itself; `golden` names the file beside it, `lines` is how many lines this takes."""

    id: str
    title: str
    criticality: Criticality
    effect: Effect
    expectation: Expectation
    engine: str = "mssql"
    site: SiteRole = SiteRole.ACTIF
    requirements: tuple[str, ...] = ("R04",)
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    golden: str = ""
    ordered: bool = False
    tolerance: Decimal | None = None
    ignored: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    procedures: tuple[ProcedureName, ...] = ()
    lines: int = 0

    @property
    def writes(self) -> bool:
        """True when it writes test data, in a transaction that is rolled back."""
        return self.effect is Effect.WRITES_TEST_DATA


def parse_header(text: str) -> Header:
    """The header of a file's text; ConfigError says in French what is wrong, without the file's name."""
    values, lines = read_values(text.removeprefix("\ufeff"))
    if not values:
        raise ConfigError("aucun en-tête (des lignes « -- clé: valeur » en haut du fichier)")
    missing = [key for key in REQUIRED if not values.get(key)]
    if missing:
        raise ConfigError(f"en-tête incomplet (manque : {', '.join(missing)})")
    expectation, golden = read_expectation(values["attendu"])
    alien = [key for key in GOLDEN_ONLY if key in values and expectation is not Expectation.GOLDEN]
    if alien:
        raise ConfigError(f"« {alien[0]} » ne se dit qu'avec « attendu: fichier … »")
    header = Header(
        id=read_id(values["id"]),
        title=values["titre"],
        criticality=Criticality(choose("criticite", values["criticite"], tuple(Criticality))),
        effect=Effect(choose("effet", values["effet"], EFFECTS)),
        expectation=expectation,
        engine=choose("moteur", values.get("moteur", ENGINES[0]), ENGINES),
        site=SiteRole(choose("site", values.get("site", SiteRole.ACTIF).upper(), tuple(SiteRole))),
        requirements=read_requirements(values.get("exigences", "R04")),
        timeout_seconds=read_delay(values["delai"]) if "delai" in values else DEFAULT_TIMEOUT_SECONDS,
        golden=golden,
        ordered=choose("ordre", fold(values.get("ordre", "quelconque")), ("quelconque", "celui du resultat"))
        != "quelconque",
        tolerance=read_tolerance(values["tolerance"]) if "tolerance" in values else None,
        ignored=split(values.get("ignorer", "")),
        rights=read_rights(split(values.get("droits", ""))),
        procedures=read_procedures(split(values.get("procedures_de_lecture", ""))),
        lines=lines,
    )
    check_together(header)
    return header


def check_together(header: Header) -> None:
    """ConfigError for values that are sound one by one and not together."""
    if header.writes and header.site is not SiteRole.ACTIF:
        raise ConfigError(f"on n'écrit que sur le site ACTIF, pas sur le site {header.site}")
    if header.writes and header.procedures:
        raise ConfigError(
            "« procedures_de_lecture » ne se dit que d'un scénario read_only : un autre peut tout exécuter"
        )
    writing = [right for right in header.rights if right.writes]
    if writing and not header.writes:
        raise ConfigError(f"un scénario read_only ne demande pas le droit « {writing[0]} »")


def read_values(text: str) -> tuple[dict[str, str], int]:
    """Values by key, and how many lines the header takes; ConfigError for a line, a key or a repetition."""
    values: dict[str, str] = {}
    last, number = "", 0
    for number, written in enumerate(text.split("\n"), start=1):
        line = written.strip()
        if not line and not values:
            continue
        if not line.startswith("--") or not line.strip("- \t"):
            return values, number - 1
        if last and (more := CONTINUED.fullmatch(line)):
            values[last] = f"{values[last]} {more[1].strip()}".strip()
            continue
        found = LINE.fullmatch(line)
        if not found:
            raise ConfigError(f"ligne {number} : une ligne d'en-tête s'écrit « -- clé: valeur »")
        last = fold(found[1]).replace(" ", "_")
        if last not in KNOWN:
            raise ConfigError(f"ligne {number} : clé inconnue « {found[1]} » (connues : {', '.join(KNOWN)})")
        if last in values:
            raise ConfigError(f"ligne {number} : « {found[1]} » est dit deux fois")
        values[last] = found[2].strip()
    return values, number


def fold(word: str) -> str:
    """Lower case without accents, single spaces."""
    plain = unicodedata.normalize("NFKD", word)
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).lower().split())


def split(words: str) -> tuple[str, ...]:
    """Items between commas."""
    return tuple(filter(None, (" ".join(word.split()) for word in words.split(","))))


def choose(key: str, value: str, known: tuple[str, ...]) -> str:
    """The value, when it is one of those known."""
    found = value.strip() if value.strip() in known else value.strip().lower()
    if found not in known:
        raise ConfigError(f"{key} refusé : « {value} » (connus : {', '.join(known)})")
    return found


def read_id(value: str) -> str:
    """A scenario's id."""
    if not ID_PATTERN.fullmatch(value):
        raise ConfigError(f"identifiant mal formé : « {value} » (BASE-210, APP-210 ou HD-210)")
    return value


def read_expectation(value: str) -> tuple[Expectation, str]:
    """What is expected, and the golden file's name."""
    words = " ".join(value.split())
    if words.lower() in (Expectation.NO_ROWS, Expectation.NO_ERROR):
        return Expectation(words.lower()), ""
    found = GOLDEN.fullmatch(words)
    if not found:
        raise ConfigError(
            f"attendu refusé : « {value} » (« aucune ligne », « fichier NOM.csv » ou « aucune erreur »)"
        )
    if not PLAIN_NAME.fullmatch(found[1]):
        raise ConfigError(
            f"« {found[1]} » n'est pas le nom d'un fichier .csv placé à côté du scénario (sans dossier)"
        )
    return Expectation.GOLDEN, found[1]


def read_requirements(value: str) -> tuple[str, ...]:
    """Ids of the requirements that the scenario verifies."""
    found = split(value)
    wrong = [one for one in found if not REQUIREMENT.fullmatch(one)]
    if wrong or not found:
        raise ConfigError(f"exigence mal formée : « {wrong[0] if wrong else value} » (R04)")
    return found


def read_delay(value: str) -> float:
    """Seconds of `60 s` or `2 min`."""
    found = DELAY.fullmatch(value)
    seconds = float(found[1].replace(",", ".")) * UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        raise ConfigError(f"délai refusé : « {value} » (« 60 s », « 2 min », une heure au plus)")
    return seconds


def read_tolerance(value: str) -> Decimal:
    """A number above 0 and below 1."""
    words = value.replace(",", ".")
    found = Decimal(words) if re.fullmatch(r"\d{0,9}\.?\d{1,30}(?:[eE]-?\d{1,3})?", words) else Decimal(0)
    if not 0 < found < 1:
        raise ConfigError(f"tolérance refusée : « {value} » (un nombre entre 0 et 1, par exemple 1e-6)")
    return found
