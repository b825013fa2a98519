"""A migration's comparison: two runs, two structures, some tables; then the report that others can check.

The first platform is the one that is left, the second one where one goes: its people sign the expected differences off.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.basis import load_platform_people
from nonreg.clients.sql import Session, open_session
from nonreg.clients.ssh import open_shell
from nonreg.config import Platform
from nonreg.decision import (
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    make_request,
    verify_decision,
    write_signed,
)
from nonreg.errors import NonregError, NotOnEngine, PlatformError, UsageError
from nonreg.evidence.interrupted import finish_sealed, make_aside
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.guards import check_identity, find_foreign
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.masking import NO_SECRET_KNOWN, Mask, hide_places
from nonreg.migration.data import compare_tables, make_mask, read_published
from nonreg.migration.expected import (
    Answered,
    check_sign_off,
    find_signature,
    hash_list,
    keep_compared,
    load_expected,
    match_expected,
    name_subject,
    render_sheet,
)
from nonreg.migration.found import merge
from nonreg.migration.judge import judge
from nonreg.migration.scenarios import compare_runs
from nonreg.migration.structure import SUBJECTS, compare_subject, find_unseen
from nonreg.model import CampaignReport, GuardStatus, SiteRole
from nonreg.model.migration import (
    Compared,
    ExpectedDifference,
    MigrationDifference,
    MigrationReport,
    MigrationSide,
    NotCompared,
)
from nonreg.people import Person
from nonreg.plan import CampaignRequest, identify_tool
from nonreg.promoted import PROMOTING_ROLES
from nonreg.store import dump_json, hash_file, write_file
from nonreg.tickets import require_ticket
from reports.html import write_html
from reports.migration import build_migration_page
from reports.pdf import write_pdf
from tasks.promotion import require_people
from tasks.publication import load_unaltered

VALID_FOR = timedelta(days=90)  # a migration is prepared for weeks; then the list is read again
SCENARIOS, STRUCTURE, DATA = "scenarios", "structure", "donnees"
PARTS = (SCENARIOS, STRUCTURE, DATA)
REPORT, HTML, PDF = "migration.json", "rapport.html", "rapport.pdf"
KIND = "migration"
NOT_READ, INSTALLED = "n.d.", "Version de l'application en base"
Tell = Callable[[str], None]
Explain = Callable[[object], str]  # an error, or a sentence, as it may leave the platforms


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """What a person asks for; without `tables` those that either platform publishes, `expected` None without a list."""

    left: Platform
    right: Platform
    parts: tuple[str, ...] = PARTS
    tables: tuple[str, ...] = ()
    expected: Path | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class PublishedMigration:
    """A published report and where it is."""

    report: MigrationReport
    folder: Path


def check_platforms(left: Platform, right: Platform) -> None:
    """UsageError for a platform that is not a test one, or is compared with itself; silence is no refusal."""
    if left == right:
        raise UsageError("Les deux plateformes sont la même : rien à comparer.")
    for platform in (left, right):
        problems = find_foreign(platform)
        try:
            status, said = check_identity(platform)
        except PlatformError:
            status, said = GuardStatus.UNKNOWN, ""  # told by what cannot be compared
        if problems or status is GuardStatus.REFUSED:
            raise UsageError(f"Plateforme « {platform.name} » refusée : {said or '; '.join(problems)}")


def parse_parts(text: str) -> tuple[str, ...]:
    """Parts by their names, in the order of the comparison; UsageError for an unknown one."""
    asked = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in asked if word not in PARTS]
    if unknown or not asked:
        raise UsageError(f"Parties attendues : {', '.join(PARTS)} ; reçu : « {text} ».")
    return tuple(part for part in PARTS if part in asked)


def load_run_of(platform: Platform, run_dir: Path) -> CampaignReport:
    """A published run, judged as it was; UsageError when it was altered or is of another platform."""
    report = load_unaltered(run_dir)
    own = report.run.plan.platform
    if (own.name, own.identity_token) != (platform.name, platform.identity_token):
        raise UsageError(
            f"Le passage {run_dir.name} est de la plateforme « {own.name} », pas de « {platform.name} »."
        )
    return report


def compare_platforms(
    request: MigrationRequest,
    runs: tuple[CampaignReport | None, CampaignReport | None],
    tell: Tell,
) -> MigrationReport:
    """Compare all that is asked; what does not answer is told in the report, never an error.

    `runs` are those of both platforms when scenarios are compared; None where a campaign could not begin.
    """
    started_at = datetime.now(UTC)
    left, right = request.left, request.right
    lines = read_expected(request)
    answered = check_expected(request, lines, started_at)
    silent = find_silent(left, right)
    mask = NO_SECRET_KNOWN if silent else make_mask(left, right)

    def explain(error: object) -> str:
        return mask.apply(hide_places(hide_places(str(error), left), right))

    parts = [Compared(reserves=tuple(list_left_out(request)))]
    if SCENARIOS in request.parts:
        parts.append(compare_scenarios(request, runs))
    if silent:
        parts.append(give_up(request, silent))
    else:
        if STRUCTURE in request.parts:
            tell("Structure, droits et réglages…")
            parts.append(compare_structures(left, right, explain))
        if DATA in request.parts:
            parts.append(compare_data(request, mask, explain, tell))
    sides = tuple(
        describe_side(platform, run, explain, silent.get(number))
        for number, (platform, run) in enumerate(zip((left, right), runs, strict=True))
    )
    found = merge([*parts, Compared(reserves=tuple(list_version_reserves(sides)))])
    differences, unmatched = match_expected(found.differences, lines)
    unmatched = keep_compared(unmatched, found)
    found = dataclasses.replace(
        found,
        differences=tuple(mask_difference(one, mask) for one in differences),
        not_compared=tuple(dataclasses.replace(one, why=explain(one.why)) for one in found.not_compared),
    )
    verdict, reasons = judge(found, unmatched, answered)
    return MigrationReport(
        id=f"{started_at:%Y%m%dT%H%M%SZ}-migration-{secrets.token_hex(3)}",
        left=sides[0],
        right=sides[1],
        found=found,
        verdict=verdict,
        reasons=reasons,
        started_at=started_at,
        generated_at=datetime.now(UTC),
        tool_commit=identify_tool(CampaignRequest(left.name)).commit,
        ticket=request.ticket,
        expected=lines,
        unmatched=unmatched,
        list_sha256=hash_list(lines) if lines else "",
        signed=answered.signed,
        unsigned=answered.unsigned,
    )


def read_expected(request: MigrationRequest) -> tuple[ExpectedDifference, ...]:
    """The lines of the list, none without a list; ConfigError when it is not sound."""
    return load_expected(request.expected) if request.expected is not None else ()


def check_expected(
    request: MigrationRequest, lines: tuple[ExpectedDifference, ...], now: datetime
) -> Answered:
    """Whether the list is signed off."""
    if request.expected is None:
        return Answered()
    people = load_platform_people(request.right)
    return check_sign_off(request.expected, lines, request.left, request.right, people, now)


def find_silent(left: Platform, right: Platform) -> dict[int, str]:
    """Why each platform that does not answer does not, by its place; asked once, since silence costs its timeout."""
    silent = {}
    for number, platform in enumerate((left, right)):
        try:
            with open_session(platform, platform.site(SiteRole.ACTIF)):
                pass
        except PlatformError as error:
            side = ("de départ", "d'arrivée")[number]
            told = hide_places(str(error), platform).rstrip(".")
            silent[number] = f"La plateforme {side}, « {platform.name} », n'a pas répondu : {told}."
    return silent


def give_up(request: MigrationRequest, silent: dict[int, str]) -> Compared:
    """Everything that was to be asked of a platform that does not answer, told once."""
    words = [word for part, word in ((STRUCTURE, "structure"), (DATA, "données")) if part in request.parts]
    if not words:
        return Compared()
    what = " et ".join(words).capitalize()
    return Compared(not_compared=tuple(NotCompared(what, why) for why in silent.values()))


def compare_scenarios(
    request: MigrationRequest, runs: tuple[CampaignReport | None, CampaignReport | None]
) -> Compared:
    """Both runs, or which one there is none of."""
    left, right = runs
    if left is not None and right is not None:
        return compare_runs(left, right)
    names = [
        platform.name
        for platform, run in zip((request.left, request.right), runs, strict=True)
        if run is None
    ]
    why = f"La campagne n'a pas commencé sur « {' » ni sur « '.join(names)} »."
    return Compared(not_compared=(NotCompared("Scénarios", why),))


def compare_structures(left: Platform, right: Platform, explain: Explain) -> Compared:
    """Every subject of both active sites; one that cannot be read on one of them is told."""
    engines = [describe_engine(platform) for platform in (left, right)]
    if engines[0] != engines[1]:
        why = f"Les deux bases n'ont pas le même moteur : {engines[0]} et {engines[1]}."
        return Compared(not_compared=(NotCompared("Structure", why),))
    parts = []
    with ExitStack() as opened:
        try:
            parts += [tell_unseen(platform, explain) for platform in (left, right)]
            sessions = [
                opened.enter_context(open_session(platform, platform.site(SiteRole.ACTIF)))
                for platform in (left, right)
            ]
        except PlatformError as error:
            return Compared(not_compared=(NotCompared("Structure", explain(error)),))
        for subject in SUBJECTS:
            try:
                parts.append(compare_subject(subject, *sessions))
                for session in sessions:
                    session.undo()  # no lock is held while the rest is read
            except (PlatformError, NotOnEngine) as error:
                parts.append(
                    Compared(not_compared=(NotCompared("Structure", explain(error), (subject.value,)),))
                )
                restart(sessions)
    return merge(parts)


def tell_unseen(platform: Platform, explain: Explain) -> Compared:
    """Two sides that hide the same objects look alike: what the reader may not see is not compared."""
    return Compared(
        not_compared=tuple(
            NotCompared("Structure", explain(f"« {platform.name} » : {one}"), ("objets cachés",))
            for one in find_unseen(platform)
        )
    )


def restart(sessions: list[Session]) -> None:
    """Leave the transaction that an error ended; a link that is gone is told by the next read."""
    for session in sessions:
        try:
            session.undo()
        except PlatformError:
            continue


def describe_engine(platform: Platform) -> str:
    """Engine of the active site's database."""
    database = platform.site(SiteRole.ACTIF).database
    return database.engine if database is not None else NOT_READ


def compare_data(request: MigrationRequest, mask: Mask, explain: Explain, tell: Tell) -> Compared:
    """The tables that were named, or those that either platform publishes."""
    left, right = request.left, request.right
    tables = request.tables
    if not tables:
        try:
            tables = tuple(sorted({*read_published(left), *read_published(right)}))
        except (PlatformError, NotOnEngine) as error:
            return Compared(not_compared=(NotCompared("Données", explain(error)),))
    if not tables:
        why = "Aucune table n'est publiée : nommez celles à comparer (--table)."
        return Compared(not_compared=(NotCompared("Données", why),))
    return compare_tables(left, right, tables, mask, explain, tell)


def describe_side(
    platform: Platform, run: CampaignReport | None, explain: Explain, silent: str | None
) -> MigrationSide:
    """What the report says of one platform: what its file states, what it says of itself, its run."""
    site = platform.site(SiteRole.ACTIF)
    side = MigrationSide(platform.identity(), site.code, () if silent else read_versions(platform, explain))
    if run is None:
        return side
    return dataclasses.replace(
        side,
        run_id=run.run.plan.run_id,
        run_started_at=run.run.started_at,
        verdict=run.assessment.verdict,
    )


def read_versions(platform: Platform, explain: Explain) -> tuple[tuple[str, str], ...]:
    """Application, database server and operating system of the active site, as each says it now."""
    site = platform.site(SiteRole.ACTIF)

    def ask(read: Callable[[], str]) -> str:
        try:
            return read()
        except NonregError as error:
            return f"{NOT_READ} ({explain(error)})"
        except LookupError:
            return NOT_READ

    def ask_database(query: str, column: str) -> str:
        with open_session(platform, site) as session:
            return str(session.query(query).dicts()[0][column])

    def ask_system() -> str:
        with open_shell(platform, site.host) as shell:
            return shell.run("system").require().strip()

    return (
        (INSTALLED, ask(lambda: ask_database("platform_identity", "version_app"))),
        ("Serveur de base de données", ask(lambda: ask_database("server_version", "version"))),
        ("Système", ask(ask_system)),
    )


def list_left_out(request: MigrationRequest) -> list[str]:
    """A part that was not asked for is not known to be the same."""
    said = {
        SCENARIOS: "Les scénarios n'ont pas été comparés",
        STRUCTURE: "La structure n'a pas été comparée",
        DATA: "Les données n'ont pas été comparées",
    }
    return [f"{said[part]} (--parts)." for part in PARTS if part not in request.parts]


def list_version_reserves(sides: tuple[MigrationSide, ...]) -> list[str]:
    """A platform whose file names another version than the one that is installed."""
    told = []
    for side in sides:
        installed, stated = dict(side.versions).get(INSTALLED, NOT_READ), side.platform.application_version
        if not installed.startswith(NOT_READ) and installed != stated:
            told.append(
                f"« {side.platform.name} » : la version {installed} est installée, son fichier annonce la {stated}."
            )
    return told


def mask_difference(difference: MigrationDifference, mask: Mask) -> MigrationDifference:
    """The difference without what may not leave a platform; its identity stays."""
    return dataclasses.replace(
        difference,
        before=mask.apply(difference.before),
        after=mask.apply(difference.after),
        detail=mask.apply(difference.detail),
    )


def publish_migration(
    request: MigrationRequest, report: MigrationReport, runs_dir: Path, output: Path | None
) -> PublishedMigration:
    """Write the report, record it, then show it: nothing is left of one that was not recorded."""
    folder = output or runs_dir / report.id
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"Le dossier {folder} existe et n'est pas vide : rien n'y est remplacé.")
    runs_dir.mkdir(parents=True, exist_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir))
    finish_sealed(folder.parent, runs_dir)
    page = build_migration_page(report)
    with make_aside(folder, runs_dir) as made:
        write_file(made / REPORT, dump_json(MigrationReport, report) + "\n")
        write_file(made / HTML, write_html(page))
        write_file(made / PDF, write_pdf(page, report.generated_at))
        target = request.right
        thing = Thing(KIND, report.id, target.name, target.identity_token, report.generated_at, report.ticket)
        data = {
            "migration": report.id,
            "from": request.left.name,
            "verdict": report.verdict.value,
            "sha256": hash_file(made / REPORT),
            "runs": [side.run_id for side in (report.left, report.right) if side.run_id],
        }
        seal_folder(made, thing, runs_dir, data=data, final=folder)
    return PublishedMigration(report, folder)


def request_sign_off(
    request: MigrationRequest, person: Person, reason: str, now: datetime
) -> DecisionRequest:
    """What is asked to be signed; UsageError without a list, a ticket and a reason."""
    require_ticket(request.ticket)
    if not reason.strip():
        raise UsageError("L'accord sur les différences attendues a un motif (--reason).")
    shown = render_list(request)
    named = require_people(request.right).find_name_in(f"{shown}\n{reason}")
    if named is not None:
        raise UsageError(f"Écrivez l'identifiant « {named.id} », pas le nom de la personne.")
    return make_request(
        DecisionKind.MIGRATION,
        name_subject(request.left, request.right),
        shown,
        request.right,
        person,
        ticket=request.ticket,
        reason=reason,
        decided_at=now,
        expires_at=now + VALID_FOR,
    )


def render_list(request: MigrationRequest) -> str:
    """The sheet of the request's list; UsageError without one."""
    if request.expected is None:
        raise UsageError("Indiquez la liste des différences attendues (--expected).")
    return render_sheet(load_expected(request.expected), request.left, request.right)


def sign_off(request: MigrationRequest, signed: SignedDecision, runs_dir: Path, now: datetime) -> Path:
    """Verify the decision against the list as it is now, record it, write it beside the list."""
    shown = render_list(request)
    assert request.expected is not None
    people = require_people(request.right)
    verify_decision(
        signed,
        people,
        kind=DecisionKind.MIGRATION,
        shown=shown,
        platform=request.right.name,
        identity_token=request.right.identity_token,
        roles=PROMOTING_ROLES,
        subject=name_subject(request.left, request.right),
        at=now,
    )
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir))
    ledger.append_once(
        runs_dir / ledger.FILE,
        kind=f"{DecisionKind.MIGRATION}-accord",
        platform=request.right.name,
        data={"from": request.left.name, "list_sha256": hash_list(load_expected(request.expected))},
        at=now,
        people=people,
        signed=signed,
    )
    path = find_signature(request.expected)
    write_signed(path, signed)
    return path
