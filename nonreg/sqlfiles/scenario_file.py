"""One SQL scenario as it lies in a folder: read, checked whole, and run in a session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonreg.clients.sql import Session, describe_request
from nonreg.config import Site
from nonreg.errors import ConfigError, Thrown
from nonreg.files import read_text
from nonreg.sqlfiles.golden import Golden, read_golden
from nonreg.sqlfiles.header import Header, parse_header
from nonreg.sqlfiles.judge import judge, judge_thrown
from nonreg.witness import NotApplicable, NotRestored, Witness

SUFFIX = ".sql"
# SQL Server begins the transaction of a connection with its first read of a table, and says how many are open.
OPENING = {"mssql": "SELECT TOP (1) name FROM sys.schemas"}
TRANSACTION = {"mssql": "SELECT @@TRANCOUNT AS opened, CURRENT_TRANSACTION_ID() AS number"}
ENGINE_NAMES = {"mssql": "SQL Server", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class SqlScenario:
    """A scenario's file: its name, its whole text as it is sent, its header, and its golden table if it has one."""

    name: str
    text: str
    header: Header
    golden: Golden | None = None

    @property
    def request(self) -> str:
        """The batch as a report shows it, without its header."""
        return "\n".join(self.text.split("\n")[self.header.lines :]).strip()


def load_scenario(path: Path) -> SqlScenario:
    """The scenario of a file, its text guarded; ConfigError says in one French sentence why there is none."""
    try:
        text = read_text(path).removeprefix("\ufeff")
        header = parse_header(text)
        check_name(path.stem, header)
        refusal = refuse_text(text, header)
        if refusal:
            raise ConfigError(refusal)
        golden = load_golden(path.with_name(header.golden), header) if header.golden else None
    except ConfigError as error:
        said = str(error).removeprefix(f"{path} : ").rstrip(".")
        raise ConfigError(f"Scénario SQL refusé : {path.name} : {said}.") from error
    return SqlScenario(path.name, text, header, golden)


def check_name(stem: str, header: Header) -> None:
    """ConfigError when a file's name says another id than its header."""
    words = stem.replace("_", "-").split("-")
    if len(words) > 1 and words[1][:3].isdigit() and f"{words[0].upper()}-{words[1]}" != header.id:
        raise ConfigError(f"le nom du fichier ne dit pas « {header.id} »")


def refuse_text(text: str, header: Header) -> str:
    """Why this text may not be sent; empty when it may."""
    from nonreg.sqlfiles.guard import check_read_only, check_undone  # the parser, only where there is SQL

    if header.writes:
        return check_undone(text, header.engine)
    reason = check_read_only(text, header.engine, header.procedures)
    return reason and f"ce scénario est read_only, et son texte n'est pas seulement une lecture : {reason}"


def load_golden(path: Path, header: Header) -> Golden:
    """The golden table beside a scenario; ConfigError names its file."""
    if not path.is_file():
        raise ConfigError(f"le fichier « {path.name} » n'est pas à côté du scénario")
    try:
        golden = read_golden(read_text(path))
    except ConfigError as error:
        raise ConfigError(f"{path.name} : {str(error).removeprefix(f'{path} : ').rstrip('.')}") from error
    ignored = {one.lower() for one in header.ignored}
    if all(column.lower() in ignored for column in golden.columns):
        raise ConfigError(f"{path.name} : toutes ses colonnes sont ignorées")
    return golden


def require_engine(scenario: SqlScenario, site: Site) -> None:
    """NotApplicable when the scenario is written for another engine than that of the site's database."""
    engine = site.database.engine if site.database else scenario.header.engine
    if engine != scenario.header.engine:
        raise NotApplicable(
            f"Scénario écrit pour {ENGINE_NAMES[scenario.header.engine]} ; la base de {site.code} est "
            f"{ENGINE_NAMES.get(engine, engine)}."
        )


def run_scenario(scenario: SqlScenario, session: Session, witness: Witness) -> None:
    """Send the batch, guarded once more, in the session's transaction; tell the witness what it gave."""
    if refusal := refuse_text(scenario.text, scenario.header):
        raise ConfigError(f"{scenario.name} : {refusal}.")
    request = describe_request(session.site_code, scenario.request, {})
    transaction = begin(scenario, session)
    try:
        batch = session.run_batch(scenario.text)
    except Thrown as error:
        judge_thrown(scenario.header, error.words, request, witness)
        return
    require_still_open(scenario, session, transaction)
    judge(scenario.header, scenario.golden, batch, request, witness)


def begin(scenario: SqlScenario, session: Session) -> tuple[tuple[object, ...], ...]:
    """Open the transaction of a scenario that writes, before a procedure opens and ends its own; which one it is."""
    if not scenario.header.writes or session.engine not in OPENING:
        return ()
    session.execute(OPENING[session.engine])
    return session.execute(TRANSACTION[session.engine]).rows


def require_still_open(
    scenario: SqlScenario, session: Session, transaction: tuple[tuple[object, ...], ...]
) -> None:
    """NotRestored when something in the batch has ended the transaction: there may be nothing left to roll back."""
    if transaction and session.execute(TRANSACTION[session.engine]).rows != transaction:
        raise NotRestored(
            f"{scenario.name} : une procédure appelée a terminé la transaction ; rien ne prouve que ses écritures sont "
            "annulées."
        )
