"""One SQL scenario as it lies in a folder: read, checked whole, and run in a session."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from pathlib import Path

from nonreg.clients.sql import Session, describe_request
from nonreg.config import Site
from nonreg.errors import ConfigError, PlatformError, RequestFailed, Thrown
from nonreg.files import read_text
from nonreg.sqlfiles.golden import Golden, read_golden
from nonreg.sqlfiles.header import Header, parse_header
from nonreg.sqlfiles.judge import judge, judge_thrown
from nonreg.sqlfiles.transaction import (
    COUNT_CHANGED,
    Fate,
    Transaction,
    find_fate,
    open_transaction,
    read_code,
    read_transaction,
)
from nonreg.witness import NotApplicable, NotRestored, Witness

SUFFIX = ".sql"
UTF16 = "le fichier est en UTF-16 (« Unicode » dans SSMS et Excel) : enregistrez-le en UTF-8"
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
        text = read_utf8(path)
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


def read_utf8(path: Path) -> str:
    """A file's text without its mark; ConfigError says what SSMS and Excel call what they wrote instead."""
    try:
        text = read_text(path).removeprefix("\ufeff")
    except ConfigError:
        if path.is_file() and path.read_bytes()[:2] in (BOM_UTF16_LE, BOM_UTF16_BE):
            raise ConfigError(UTF16) from None
        raise
    if "\0" in text:
        raise ConfigError(UTF16)
    if not text.strip():
        raise ConfigError("le fichier est vide")
    return text


def check_name(stem: str, header: Header) -> None:
    """ConfigError when a file's name says another id than its header."""
    words = stem.replace("_", "-").split("-")
    if len(words) > 1 and words[1][:3].isdigit() and f"{words[0].upper()}-{words[1]}" != header.id:
        raise ConfigError(f"le nom du fichier ne dit pas « {header.id} »")


def refuse_text(text: str, header: Header) -> str:
    """Why this text may not be sent; empty when it may."""
    from nonreg.sqlfiles.guard import (  # the parser, only where there is SQL
        check_opened,
        check_read_only,
        check_text,
        check_undone,
    )

    if reason := check_text(text, header.engine):
        return reason
    if calls_for_witness(header) and (reason := check_opened(text, header.engine)):
        return reason
    if header.writes:
        return check_undone(text, header.engine)
    reason = check_read_only(text, header.engine, header.procedures)
    return reason and f"ce scénario est read_only, et son texte n'est pas seulement une lecture : {reason}"


def calls_for_witness(header: Header) -> bool:
    """True when something in the batch may end the tool's transaction, which is then opened before it."""
    return header.writes or bool(header.procedures)


def load_golden(path: Path, header: Header) -> Golden:
    """The golden table beside a scenario; ConfigError names its file."""
    if not path.is_file():
        raise ConfigError(f"le fichier « {path.name} » n'est pas à côté du scénario")
    try:
        golden = read_golden(read_utf8(path))
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
    opened: list[Transaction | None] = []  # one for each try: the session undoes one before it tries again

    def prepare() -> None:
        if calls_for_witness(scenario.header):
            opened.append(open_transaction(session))

    try:
        batch = session.run_batch(scenario.text, prepare)
    except PlatformError as error:
        # When a try's opening fails, the one before it may have committed: its witness is in the way.
        end_failed(scenario, session, opened[-1] if opened else None, error, request, witness)
        return
    before = opened[-1] if opened else None
    if before is not None:
        require_open(scenario, find_fate(before, read_transaction(session)), "")
    judge(scenario.header, scenario.golden, batch, "\n".join((request, *batch.notes)), witness)


def end_failed(
    scenario: SqlScenario,
    session: Session,
    before: Transaction | None,
    error: PlatformError,
    request: str,
    witness: Witness,
) -> None:
    """What a failed batch means: what the script said, its error, or first of all that it committed before."""
    said = error.words if isinstance(error, Thrown) else ""
    try:
        after = read_transaction(session) if before is not None else None
    except PlatformError:
        after = None  # it does not answer any more
    fate = find_fate(before, after) if before is not None and after is not None else Fate.OPEN
    if fate is Fate.COMMITTED:
        require_open(scenario, fate, said or str(error))
    if said:
        notes = getattr(error, "__notes__", ())  # of tries that were lost before this one
        judge_thrown(scenario.header, said, "\n".join((request, *notes)), witness)
        if scenario.header.writes:
            require_open(scenario, fate, said)
        return
    if isinstance(error, RequestFailed) and read_code(session, error) == COUNT_CHANGED:
        require_open(scenario, fate, str(error))
        raise RequestFailed(
            f"{scenario.name} : une procédure appelée ne laisse pas la transaction comme elle l'a trouvée : "
            f"{show_count(before)} avant, {show_count(after)} après (erreur {COUNT_CHANGED})."
        ) from error
    raise error


def show_count(transaction: Transaction | None) -> str:
    """How many transactions are open, where that is known."""
    return "?" if transaction is None else str(transaction.opened)


def require_open(scenario: SqlScenario, fate: Fate, said: str) -> None:
    """NotRestored when something in the batch has ended the transaction: there may be nothing left to roll back."""
    failed = f", puis le lot a échoué ({said.rstrip('.')})" if said else ""
    if fate is Fate.COMMITTED:
        raise NotRestored(
            f"{scenario.name} : une procédure appelée a validé (COMMIT) la transaction de l'outil{failed} ; ce qui "
            "était écrit le reste."
        )
    if fate is Fate.ROLLED_BACK:
        raise NotRestored(
            f"{scenario.name} : la transaction de l'outil a été annulée avant la fin (XACT_ABORT, ou ROLLBACK d'une "
            f"procédure){failed} ; rien ne prouve que ce qui serait écrit après l'est aussi."
        )
