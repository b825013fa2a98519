"""Two platforms compared before a migration: here the two sites of one instance, each the active one of its file."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Outcome, Verdict
from nonreg.model.migration import MigrationReport, MigrationSubject, MigrationVerdict
from nonreg.plan import CampaignRequest, new_run_id
from nonreg.sandbox.defects import run_sql
from nonreg.sandbox.layout import DATABASE_SITES, LAST_BYTE, PASSIVE, WITNESS, Layout
from nonreg.store import load_json
from tasks.migration import MigrationRequest, compare_platforms, load_run_of
from tests.campaigns import run_campaign
from tests.governed import ALL_GOOD, Governed, make_governed, publish_run

CHANGED_ROW = "GRADIENT_MAX_MM_5MIN"
SECRET_PHONE, SECRET_NAME, SECRET_MAIL = (
    "+33000077777",
    "Hydrologue Introuvable",
    "introuvable@exemple.invalid",
)
ALONE = "SET session_replication_role = replica"  # nothing of it is for the other site
PROCEDURE = "CREATE OR REPLACE FUNCTION nr.tvf_migration() RETURNS integer LANGUAGE sql AS 'SELECT {}'"
DO = (
    PROCEDURE.format(f"2 /* appeler le {SECRET_PHONE} */"),
    "ALTER TABLE cfg.tache_export ADD COLUMN tac_essai integer",
    "ALTER DATABASE aquareel SET password_encryption = 'md5'",
    "REVOKE SELECT ON prod.mesure FROM nr_writer",
    f"UPDATE cfg.parametre SET prm_valeur = prm_valeur || '9' WHERE prm_code = '{CHANGED_ROW}'",
    f"UPDATE cfg.operateur SET ope_tel = '{SECRET_PHONE}', ope_nom = '{SECRET_NAME}', ope_mail = '{SECRET_MAIL}'"
    " WHERE ope_id = 1",
)
UNDO = (
    "ALTER TABLE cfg.tache_export DROP COLUMN tac_essai",
    "ALTER DATABASE aquareel RESET password_encryption",
    "GRANT SELECT ON prod.mesure TO nr_writer",
    f"UPDATE cfg.parametre SET prm_valeur = left(prm_valeur, -1) WHERE prm_code = '{CHANGED_ROW}'",
    "UPDATE cfg.operateur SET ope_tel = '+33000000001', ope_nom = 'Astreinte d''essai',"
    " ope_mail = 'essai-astreinte@exemple.invalid' WHERE ope_id = 1",
)
FOUND = {
    ("modules", "nr.tvf_migration()", "modifié"),
    ("colonnes", "cfg.tache_export.tac_essai", "ajouté"),
    ("réglages", "password_encryption", "modifié"),
    ("droits", "nr_writer relation prod.mesure SELECT", "absent"),
    ("données", f"cfg.parametre:{CHANGED_ROW}", "modifié"),
    ("données", "cfg.operateur:1", "modifié"),
    ("données", "cfg.tache_export.tac_essai", "ajouté"),  # its rows are compared without it
}
TABLES = tuple(
    word
    for table in ("cfg.parametre", "cfg.operateur", "cfg.tache_export", "ref.seuil")
    for word in ("--table", table)
)


@dataclass(frozen=True, slots=True)
class Ground:
    """Two governed platform files, the runs of each in a folder of its own, and what was printed."""

    left: Governed
    right: Governed

    def command(self, *words: str) -> tuple[int, str]:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = main(
                [
                    words[0],
                    *("--from", str(self.left.platform_file), "--to", str(self.right.platform_file)),
                    *("--runs-dir", str(self.right.runs_dir)),
                    *words[1:],
                ]
            )
        return code, out.getvalue()

    def compare(self, *words: str) -> tuple[int, str, MigrationReport]:
        """A comparison with its report, in a new folder."""
        known = set(self.right.runs_dir.glob("*/migration.json"))
        code, said = self.command("migration", *words)
        made = set(self.right.runs_dir.glob("*/migration.json")) - known
        assert len(made) == 1, said
        return code, said, load_json(MigrationReport, made.pop())

    def copy(self, folder: Path) -> Ground:
        """Another one of the same platforms, with runs and lists of its own."""
        return Ground(
            *(
                Governed(Path(shutil.copytree(one.root, folder / one.root.name)))
                for one in (self.left, self.right)
            )
        )


def make_ground(root: Path, source: Path) -> Ground:
    """The instance's file, and the same with the roles of its sites exchanged, under two names."""
    sides = []
    for name in ("depart", "arrivee"):
        (root / name).mkdir()
        governed = make_governed(root / name, source)
        governed.change_platform('name = "embarquee"', f'name = "{name}"')
        sides.append(governed)
    sides[1].change_platform('role = "ACTIF"', 'role = "AUTRE"')
    sides[1].change_platform('role = "PASSIF"', 'role = "ACTIF"')
    sides[1].change_platform('role = "AUTRE"', 'role = "PASSIF"')
    return Ground(*sides)


@pytest.fixture(scope="module")
def ground(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("migration"), sandbox.platform_file)


@pytest.fixture(scope="module")
def runs(ground: Ground) -> tuple[str, ...]:
    """Two published runs in which the same scenarios are good."""
    now = datetime.now(UTC)
    return ("--runs", *(str(publish_run(side, "bon", ALL_GOOD, now)) for side in (ground.left, ground.right)))


@pytest.fixture(scope="module")
def changed(sandbox: Layout) -> Iterator[None]:
    """The platform of arrival as a delivery, a new server, and a mistake would make it; put back at the end."""
    for site in DATABASE_SITES:
        run_sql(
            sandbox,
            site,
            (ALONE, PROCEDURE.format(1), "REVOKE EXECUTE ON FUNCTION nr.tvf_migration() FROM PUBLIC"),
        )
    run_sql(sandbox, PASSIVE, (ALONE, *DO))
    yield
    run_sql(sandbox, PASSIVE, (ALONE, *UNDO))
    for site in DATABASE_SITES:
        run_sql(sandbox, site, (ALONE, "DROP FUNCTION nr.tvf_migration()"))


@pytest.fixture(scope="module")
def found(ground: Ground, runs: tuple[str, ...], changed: None) -> tuple[int, str, MigrationReport]:
    """What a comparison without any list says of these changes."""
    return ground.compare(*runs, *TABLES)


def identities(report: MigrationReport) -> set[tuple[str, str, str]]:
    return {(one.subject.value, one.object, one.change.value) for one in report.found.differences}


def write_list(ground: Ground, wanted: set[tuple[str, str, str]], name: str = "attendues.toml") -> str:
    """A list that foresees exactly these."""
    path = ground.right.root / name
    keys = ("subject", "object", "change")
    path.write_text(
        "".join(
            "[[expected]]\n"
            + "".join(
                f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
                for key, value in zip(keys, one, strict=True)
            )
            + 'reason = "Livraison 5.3"\nticket = "AQ-77"\n\n'
            for one in sorted(wanted)
        ),
        encoding="utf-8",
    )
    return str(path)


def accept(ground: Ground, path: str, person: str = "titulaire-essai") -> tuple[int, str]:
    words = (
        "--expected",
        path,
        "--ticket",
        "AQ-77",
        "--reason",
        "Liste relue",
        "--key",
        ground.right.key(person),
    )
    return ground.command("accept-differences", *words)


def test_two_platforms_that_are_the_same_are_conform_and_the_report_is_in_the_ledger(
    ground: Ground, runs: tuple[str, ...]
) -> None:
    code, said, report = ground.compare(*runs, *TABLES)
    assert (code, report.verdict) == (0, MigrationVerdict.CONFORME), said
    assert "Aucune différence." in said
    counts = {one.subject: (one.compared, one.same) for one in report.found.subjects}
    assert set(counts) == set(MigrationSubject)
    assert counts[MigrationSubject.DATA] == (4, 4)
    assert all(compared == same > 0 for compared, same in counts.values())
    entry = ledger.read_entries(ground.right.runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.data["migration"], entry.data["verdict"]) == (
        "migration",
        report.id,
        "CONFORME",
    )
    kept = [one.source for one in collect_witnesses(ground.right.runs_dir)]
    assert any(report.id in source for source in kept)


def test_without_naming_tables_those_that_are_published_are_compared(ground: Ground) -> None:
    _, said, report = ground.compare("--parts", "donnees")
    assert sum(one.compared for one in report.found.subjects) + len(report.found.not_compared) >= 19, said
    assert "Données de prod.mesure…" in said


def test_the_same_campaign_is_run_on_both_and_one_that_is_refused_leaves_nothing_the_same(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_here(request: CampaignRequest, runs_dir: Path, label: str, _junit: list[str]) -> Path:
        """The same stages as the flow, in this process: Prefect takes as long as all other tests together."""
        run_dir = runs_dir / new_run_id(label.lower())
        run_campaign(Path(request.platform), run_dir, request.families, request.select)
        return run_dir

    monkeypatch.setattr("nonreg.commands.campaign.start_campaign", run_here)
    fresh = ground.copy(tmp_path)  # the site of arrival says that it is passive: PRE-02 refuses its campaign
    words = ("--parts", "scenarios", "--families", "base", "--select", "BASE-017", "--ticket", "AQ-77")
    code, said, report = fresh.compare(*words)
    assert (code, report.verdict) == (2, MigrationVerdict.INCOMPLET), said
    assert (report.left.verdict, report.right.verdict) == (Verdict.OK_AVEC_RESERVES, Verdict.INCOMPLET), said
    assert report.left.run_id != report.right.run_id
    (one,) = report.found.not_compared
    assert (one.what, one.names) == ("Scénarios", ("BASE-017",))
    assert "Rien n'a été exécuté : PRE-02, SITE-A se déclare ACTIF, PASSIF attendu" in one.why


def test_each_change_is_found_once_under_its_own_name(found: tuple[int, str, MigrationReport]) -> None:
    code, said, report = found
    assert identities(report) == FOUND
    assert len(report.found.differences) == len(FOUND)
    assert (code, report.verdict) == (1, MigrationVerdict.ECARTS)
    assert "7 différences non prévues." in said


def test_a_changed_procedure_brings_its_diff(found: tuple[int, str, MigrationReport]) -> None:
    (module,) = [one for one in found[2].found.differences if one.subject is MigrationSubject.MODULES]
    assert "-AS $function$SELECT 1$function$" in module.detail
    assert "+AS $function$SELECT 2 /* appeler le *** */$function$" in module.detail


def test_nothing_of_an_operator_reaches_what_is_published(
    ground: Ground, found: tuple[int, str, MigrationReport]
) -> None:
    (row,) = [one for one in found[2].found.differences if one.object == "cfg.operateur:1"]
    assert row.after.splitlines() == ["ope_nom = ***", "ope_tel = ***", "ope_mail = ***"]
    folder = ground.right.runs_dir / found[2].id
    pdf = "".join(page.extract_text() for page in PdfReader(folder / "rapport.pdf").pages)
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("migration.json", "rapport.html")]
    for text in (*texts, pdf, found[1]):
        for secret in (
            SECRET_PHONE,
            SECRET_NAME,
            SECRET_MAIL,
            "+33000000001",
            "Astreinte",
            "essai-astreinte",
        ):
            assert secret not in text
    assert "ope_tel" in pdf


def test_what_is_expected_and_signed_off_is_conform_and_says_why(
    ground: Ground, runs: tuple[str, ...], found: object
) -> None:
    path = write_list(ground, FOUND)
    code, said = accept(ground, path)
    assert code == 0, said
    code, said, report = ground.compare(*runs, *TABLES, "--expected", path)
    assert (code, report.verdict) == (0, MigrationVerdict.CONFORME), said
    assert report.signed is not None
    assert report.signed.person == "titulaire-essai"
    html = (ground.right.runs_dir / report.id / "rapport.html").read_text(encoding="utf-8")
    assert html.count("Livraison 5.3 (AQ-77)") == len(FOUND)
    assert "non prévu</span>" not in html
    kinds = [entry.kind for entry in ledger.read_entries(ground.right.runs_dir / ledger.FILE)]
    assert "migration-accord" in kinds


def test_a_list_that_is_changed_after_its_signature_is_no_longer_signed_off(
    ground: Ground, runs: tuple[str, ...], found: object
) -> None:
    path = write_list(ground, FOUND, "modifiee.toml")
    assert accept(ground, path)[0] == 0
    file = Path(path)
    file.write_text(
        file.read_text(encoding="utf-8").replace("Livraison 5.3", "Livraison 5.4", 1), encoding="utf-8"
    )
    code, said, report = ground.compare(*runs, *TABLES, "--expected", path)
    assert (code, report.verdict, report.signed) == (0, MigrationVerdict.AVEC_RESERVES, None)
    assert (
        "ne vaut plus : la liste n'est plus ce qui a été signé ; faites signer modifiee.toml de nouveau."
        in said
    )
    html = (ground.right.runs_dir / report.id / "rapport.html").read_text(encoding="utf-8")
    assert html.count(", non signé") == len(FOUND)


def test_a_list_that_foresees_less_leaves_a_gap_and_one_that_foresees_more_a_reserve(
    ground: Ground, runs: tuple[str, ...], found: object
) -> None:
    missing = ("droits", "nr_writer relation prod.mesure SELECT", "absent")
    path = write_list(ground, FOUND - {missing}, "moins.toml")
    assert accept(ground, path)[0] == 0
    code, _, report = ground.compare(*runs, *TABLES, "--expected", path)
    assert (code, report.verdict) == (1, MigrationVerdict.ECARTS)
    assert {one.object for one in report.found.differences if one.expected is None} == {missing[1]}
    path = write_list(ground, {*FOUND, ("index", "prod.mesure.*", "absent")}, "plus.toml")
    assert accept(ground, path)[0] == 0
    code, said, report = ground.compare(*runs, *TABLES, "--expected", path)
    assert (code, report.verdict) == (0, MigrationVerdict.AVEC_RESERVES)
    assert [one.object for one in report.unmatched] == ["prod.mesure.*"]
    assert "1 différence attendue n'a pas été trouvée." in said


def test_only_who_may_promote_signs_the_list_off(ground: Ground, found: object) -> None:
    path = write_list(ground, FOUND, "role.toml")
    code, said = accept(ground, path, "renfort-technique-essai")
    assert code == 3
    assert "ne peut pas prendre une décision de migration" in said
    assert not Path(f"{path}.signed.json").exists()


def test_the_request_can_be_signed_elsewhere_and_brought_back(ground: Ground) -> None:
    path = write_list(ground, FOUND, "ailleurs.toml")
    words = ("--expected", path, "--ticket", "AQ-77", "--reason", "Liste relue")
    code, said = ground.command("accept-differences", *words)
    assert code == 0, said
    (request,) = (ground.right.runs_dir / "decisions").glob("D-????????????.json")
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        platform = str(ground.right.platform_file)
        assert main(["sign", str(request), "--key", ground.right.key(), "--platform", platform]) == 0
    signed = str(request.with_suffix(".signed.json"))
    code, said = ground.command("accept-differences", *words, "--decision", signed)
    assert code == 0, said
    assert Path(f"{path}.signed.json").is_file()


def test_a_platform_that_does_not_answer_is_told_in_one_sentence_and_nothing_is_equal(
    ground: Ground, tmp_path: Path
) -> None:
    dead = ground.copy(tmp_path)
    platform = dead.right.platform
    network = platform.sites[0].host.address.rpartition(".")[0]
    for site in platform.sites[:2]:
        assert site.database is not None
        witness = f"{network}.{LAST_BYTE[WITNESS]}"  # a host without a database
        database = 'engine = "postgresql"\nhost = "{}"'
        dead.right.change_platform(database.format(site.database.host), database.format(witness))
    code, said, report = dead.compare("--parts", "structure,donnees", *TABLES)
    assert (code, report.verdict) == (2, MigrationVerdict.INCOMPLET), said
    assert (report.found.subjects, report.found.differences) == ((), ())
    (one,) = report.found.not_compared
    assert one.what == "Structure et données"
    assert one.why.startswith("La plateforme d'arrivée, « arrivee », n'a pas répondu : ")
    assert said.count(one.why) == 1
    assert witness not in said


def test_a_table_that_cannot_be_compared_is_incomplete_and_never_equal(ground: Ground) -> None:
    code, said, report = ground.compare(
        "--parts", "donnees", "--table", "ref.absente", "--table", "ref.seuil"
    )
    assert (code, report.verdict) == (2, MigrationVerdict.INCOMPLET)
    assert [one.names for one in report.found.not_compared] == [("ref.absente",)]
    assert [(one.compared, one.same) for one in report.found.subjects] == [(1, 1)]
    assert "La table ref.absente n'existe pas" in said


def test_a_part_that_was_left_out_is_a_reserve(ground: Ground) -> None:
    code, said, report = ground.compare("--parts", "donnees", "--table", "ref.seuil")
    assert (code, report.verdict) == (0, MigrationVerdict.AVEC_RESERVES)
    assert "La structure n'a pas été comparée (--parts)." in said


def test_a_scenario_that_was_not_observed_on_one_side_is_not_the_same(ground: Ground) -> None:
    now = datetime.now(UTC)
    left = publish_run(
        ground.left, "depart", {**ALL_GOOD, "BASE-002": Outcome.OK, "BASE-003": Outcome.KO}, now
    )
    unknown = {"BASE-002": Outcome.INCONCLUSIF, "BASE-003": Outcome.KO, "HD-001": Outcome.KO}
    right = publish_run(ground.right, "arrivee", {**ALL_GOOD, **unknown}, now)
    code, said, report = ground.compare("--runs", str(left), str(right), "--parts", "scenarios")
    assert identities(report) == {("scénarios", "HD-001", "dégradé")}
    assert [(one.what, one.names) for one in report.found.not_compared] == [("Scénarios", ("BASE-002",))]
    assert report.found.failing == ("BASE-003",)
    assert [(one.compared, one.same) for one in report.found.subjects] == [(4, 3)]
    assert (code, report.verdict) == (1, MigrationVerdict.ECARTS)
    assert "INCONCLUSIF à l'arrivée" in said


def test_no_address_of_a_platform_reaches_a_reason(ground: Ground) -> None:
    run_dir = publish_run(ground.right, "refuse", {"BASE-002": Outcome.NON_EXECUTE}, datetime.now(UTC))
    left, right = ground.left.platform, ground.right.platform
    address = right.sites[0].host.address
    report = load_run_of(right, run_dir)
    said = f"Rien n'a été exécuté : la base de SITE-B ({address}:5432) est injoignable."
    refused = dataclasses.replace(report, run=dataclasses.replace(report.run, interruption=said))
    request = MigrationRequest(left, right, ("scenarios",))
    (one,) = compare_platforms(request, (refused, refused), print).found.not_compared
    assert "Rien n'a été exécuté : la base de SITE-B est injoignable" in one.why
    assert address not in one.why


def test_a_run_of_another_platform_or_one_that_was_altered_is_refused(
    ground: Ground, runs: tuple[str, ...], tmp_path: Path
) -> None:
    code, said = ground.command("migration", "--runs", runs[2], runs[1], "--parts", "scenarios")
    assert code == 3
    assert "est de la plateforme « arrivee », pas de « depart »" in said
    other = ground.copy(tmp_path)
    events = other.right.runs_dir / "bon" / "events.jsonl"
    events.write_text(events.read_text(encoding="utf-8").replace('"OK"', '"KO"'), encoding="utf-8")
    mine = [str(side.runs_dir / "bon") for side in (other.left, other.right)]
    code, said = other.command("migration", "--runs", *mine, "--parts", "scenarios")
    assert code == 3
    assert "a été modifié depuis sa publication" in said


def test_another_version_of_a_platform_is_not_what_was_signed(ground: Ground, tmp_path: Path) -> None:
    other = ground.copy(tmp_path)
    path = write_list(other, {("index", "*", "absent")})
    assert accept(other, path)[0] == 0
    other.right.change_platform('application_version = "5.2.0"', 'application_version = "5.3.0"')
    _, said, report = other.compare("--parts", "donnees", "--table", "ref.seuil", "--expected", path)
    assert report.signed is None
    assert "les plateformes ou leurs versions ne sont plus ce qui a été signé" in said
    assert "« arrivee » : la version 5.2.0 est installée, son fichier annonce la 5.3.0." in said


def test_production_is_refused_before_anything_is_asked_of_it(ground: Ground, tmp_path: Path) -> None:
    other = ground.copy(tmp_path)
    other.right.change_platform('nature = "TEST"', 'nature = "PROD"')
    code, said = other.command("migration", "--parts", "structure")
    assert code == 3
    assert "déclare la nature PROD" in said


def test_a_report_is_never_written_over_another(ground: Ground, tmp_path: Path) -> None:
    words = ("migration", "--parts", "donnees", "--table", "ref.seuil", "--output", str(tmp_path / "rapport"))
    assert ground.command(*words)[0] == 0
    names = {path.name for path in (tmp_path / "rapport").iterdir()}
    assert names == {"migration.json", "rapport.html", "rapport.pdf", "manifest.json"}
    code, said = ground.command(*words)
    assert code == 3
    assert "n'est pas vide" in said
    verify_ledger(ground.right.runs_dir / ledger.FILE, collect_witnesses(ground.right.runs_dir))
