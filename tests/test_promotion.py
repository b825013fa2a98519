"""A run becomes the reference by a decision that holds, once, in the open; nobody moves the reference in silence."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.basis import read_basis
from nonreg.commands.decisions import unlock
from nonreg.decision import SignedDecision, load_signed, sign_decision
from nonreg.errors import ConfigError, DecisionRefused, UsageError
from nonreg.evidence.files import mark_files
from nonreg.evidence.seal import write_manifest
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Change, Family, Finding, Measure, Outcome, Verdict
from nonreg.promoted import choose_baseline, load_promoted
from nonreg.promotion import require_promotable
from tasks.promotion import VALID_FOR, Candidate, load_candidate, promote, request_promotion
from tasks.publication import judge_folder, read_manifest, seal_run
from tests.governed import ALL_GOOD, NOW, Governed, publish_run
from tests.judgements import make_waiver
from tests.test_waivers import find_requests, waive

AT = NOW + timedelta(days=2)  # after the runs, within three days of the decisions


def sign(governed: Governed, candidate: Candidate, person: str = "titulaire-essai") -> SignedDecision:
    who = candidate.people.find(person)
    assert who is not None
    request = request_promotion(candidate, who, "AQ-9", "Recette de la 5.2.0", NOW)
    return sign_decision(request, unlock(Path(governed.key(person))))


def promote_run(governed: Governed, run_dir: Path) -> Path:
    candidate = load_candidate(run_dir, governed.platform, AT)
    return promote(candidate, sign(governed, candidate), governed.runs_dir, AT)


def load_all(governed: Governed) -> tuple[object, ...]:
    platform = governed.platform
    return load_promoted(governed.governance, governed.people, platform.name, platform.identity_token)


def test_a_promoted_run_is_the_reference_of_the_next_campaign_with_who_when_and_why(
    governed: Governed,
) -> None:
    path = promote_run(governed, publish_run(governed, "un"))
    run_dir = publish_run(governed, "deux", {**ALL_GOOD, "HD-001": Outcome.KO}, NOW + timedelta(days=1))
    baseline = read_basis(run_dir).baseline
    assert baseline is not None
    assert path.name == "0001-5.2.0.json"
    assert (baseline.number, baseline.run_id, baseline.person, baseline.ticket, baseline.reason) == (
        1,
        "un",
        "titulaire-essai",
        "AQ-9",
        "Recette de la 5.2.0",
    )
    report = judge_folder(run_dir)
    assert report.assessment.verdict is Verdict.KO
    changes = {one.scenario_id: one.change for one in report.assessment.findings}
    assert changes == {"BASE-001": Change.SAME, "APP-001": Change.SAME, "HD-001": Change.REGRESSION}


def test_a_promotion_is_in_the_ledger_with_ids_only_and_its_head_is_in_the_file(governed: Governed) -> None:
    path = promote_run(governed, publish_run(governed, "un"))
    text = (governed.runs_dir / ledger.FILE).read_text(encoding="utf-8")
    assert "titulaire-essai" in text
    assert "Rivelune" not in text
    entry = ledger.read_entries(governed.runs_dir / ledger.FILE)[-1]
    kept = json.loads(path.read_text(encoding="utf-8"))["ledger"]
    assert (entry.kind, entry.sequence, entry.sha256) == ("promotion", kept["sequence"], kept["sha256"])
    assert verify_ledger(governed.runs_dir / ledger.FILE, collect_witnesses(governed.runs_dir)).notes == ()


@pytest.mark.parametrize("outcome", [Outcome.KO, Outcome.INCONCLUSIF])
def test_a_run_that_is_ko_or_incomplete_is_refused(governed: Governed, outcome: Outcome) -> None:
    run_dir = publish_run(governed, "un", {**ALL_GOOD, "APP-001": outcome})
    with pytest.raises(UsageError, match="seul un passage OK"):
        load_candidate(run_dir, governed.platform, AT)


@pytest.mark.parametrize(
    "change", [{"families": (Family.BASE,)}, {"selection": "BASE-*"}, {"effects_left_out": ("BASE-020",)}]
)
def test_a_partial_run_is_refused_since_the_reference_would_lose_scenarios(
    governed: Governed, change: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="partiel"):
        load_candidate(publish_run(governed, "un", **change), governed.platform, AT)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["renfort-technique", "renfort-pilotage", "moa-scv", "spc-gd"])
def test_only_the_titulaire_promotes(governed: Governed, role: str) -> None:
    candidate = load_candidate(publish_run(governed, "un"), governed.platform, AT)
    with pytest.raises(DecisionRefused, match="ne peut pas prendre une décision de promotion"):
        promote(candidate, sign(governed, candidate, f"{role}-essai"), governed.runs_dir, AT)
    assert not (governed.governance / "baselines").exists()


def test_a_decision_on_another_run_or_an_expired_one_promotes_nothing(governed: Governed) -> None:
    first = load_candidate(publish_run(governed, "un"), governed.platform, AT)
    other = load_candidate(
        publish_run(governed, "deux", started_at=NOW + timedelta(hours=1)), governed.platform, AT
    )
    signed = sign(governed, first)
    with pytest.raises(DecisionRefused):
        promote(other, signed, governed.runs_dir, AT)
    with pytest.raises(DecisionRefused, match="expiré"):
        promote(first, signed, governed.runs_dir, NOW + VALID_FOR)


def test_a_decision_serves_once_and_a_number_is_never_given_twice(governed: Governed) -> None:
    run_dir = publish_run(governed, "un")
    candidate = load_candidate(run_dir, governed.platform, AT)
    signed = sign(governed, candidate)
    path = promote(candidate, signed, governed.runs_dir, AT)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="existe déjà"):
        promote(candidate, signed, governed.runs_dir, AT)
    with pytest.raises(UsageError, match="déjà la référence n° 1"):
        load_candidate(run_dir, governed.platform, AT)
    assert path.read_bytes() == before


def test_a_promotion_that_was_cut_between_ledger_and_file_is_finished_by_the_same_decision(
    governed: Governed,
) -> None:
    candidate = load_candidate(publish_run(governed, "un"), governed.platform, AT)
    signed = sign(governed, candidate)
    path = promote(candidate, signed, governed.runs_dir, AT)
    whole = path.read_bytes()
    path.unlink()
    assert promote(candidate, signed, governed.runs_dir, AT).read_bytes() == whole
    kinds = [entry.kind for entry in ledger.read_entries(governed.runs_dir / ledger.FILE)]
    assert kinds.count("promotion") == 1


def test_the_previous_baselines_stay_and_each_names_the_one_before(governed: Governed) -> None:
    first = promote_run(governed, publish_run(governed, "un"))
    whole = first.read_bytes()
    second = promote_run(governed, publish_run(governed, "deux", started_at=NOW + timedelta(hours=1)))
    assert first.read_bytes() == whole
    assert second.name == "0002-5.2.0.json"
    assert len(load_all(governed)) == 2
    first.unlink()
    with pytest.raises(ConfigError, match="référence n° 1 est absente"):
        load_all(governed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"value": 3.0', '"value": 9.0'),
        ('"ledger_id"', '"autre"'),
        ('"outcome": "OK"', '"outcome": "KO"'),
        ('"Recette de la 5.2.0"', '"Autre motif"'),
        ('"person": "titulaire-essai"', '"person": "moa-scv-essai"'),
    ],
)
def test_a_baseline_that_somebody_edited_is_refused_by_name(
    governed: Governed, before: str, after: str
) -> None:
    path = promote_run(governed, publish_run(governed, "un"))
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"0001-5\.2\.0\.json"):
        publish_run(governed, "deux")


def rewrite_manifest(run_dir: Path) -> None:
    """What a forger would do: make the manifest agree with the files again."""
    write_manifest(run_dir, dataclasses.replace(read_manifest(run_dir), files=mark_files(run_dir)))


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[" * 5000, '{"content": {}, "decision": {}, "ledger": null}']
)
def test_a_baseline_file_that_is_none_is_refused_in_one_sentence(governed: Governed, text: str) -> None:
    path = promote_run(governed, publish_run(governed, "un"))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"0001-5\.2\.0\.json") as refused:
        load_all(governed)
    assert len(str(refused.value).splitlines()) == 1


def test_a_run_that_was_edited_after_its_publication_is_refused(governed: Governed) -> None:
    run_dir = publish_run(governed, "un", {**ALL_GOOD, "APP-001": Outcome.KO})
    report = run_dir / "report.json"
    report.write_text(report.read_text(encoding="utf-8").replace('"KO"', '"OK"'), encoding="utf-8")
    with pytest.raises(UsageError, match=r"modifié depuis sa publication : report\.json"):
        load_candidate(run_dir, governed.platform, AT)
    rewrite_manifest(run_dir)
    with pytest.raises(UsageError, match=r"Le registre de .* ne connaît pas le passage un tel qu'il est"):
        load_candidate(run_dir, governed.platform, AT)


def test_a_ko_that_was_edited_in_the_events_cannot_be_published_again_as_ok(governed: Governed) -> None:
    run_dir = publish_run(governed, "un", {**ALL_GOOD, "APP-001": Outcome.KO})
    events = run_dir / "events.jsonl"
    events.write_text(events.read_text(encoding="utf-8").replace('"KO"', '"OK"'), encoding="utf-8")
    before = (run_dir / "report.html").read_bytes()
    done = main(["report", str(run_dir)])
    assert done == 3
    assert (run_dir / "report.html").read_bytes() == before
    with pytest.raises(UsageError):
        load_candidate(run_dir, governed.platform, AT)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("events.jsonl", "n'est plus celui que le registre connaît"),
        ("report.json", "ne donne plus le même rapport"),
    ],
)
def test_a_forged_run_that_was_recorded_again_is_still_known_by_its_first_entry_and_judged_again(
    governed: Governed, name: str, sentence: str
) -> None:
    run_dir = publish_run(governed, "un", {**ALL_GOOD, "APP-001": Outcome.KO})
    file = run_dir / name
    file.write_text(file.read_text(encoding="utf-8").replace('"KO"', '"OK"'), encoding="utf-8")
    seal_run(run_dir, judge_folder(run_dir))
    with pytest.raises(UsageError, match=sentence):
        load_candidate(run_dir, governed.platform, AT)


@pytest.mark.parametrize("manifest", ['{"sha256": {}}', '{"sha256": []}', "1", "[" * 5000, ""])
def test_an_empty_or_broken_manifest_covers_nothing(governed: Governed, manifest: str) -> None:
    run_dir = publish_run(governed, "un")
    (run_dir / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(UsageError, match="modifié depuis sa publication"):
        load_candidate(run_dir, governed.platform, AT)


def test_a_run_whose_waiver_has_expired_since_or_that_is_of_the_future_is_refused(governed: Governed) -> None:
    run_dir = publish_run(governed, "un")
    with pytest.raises(UsageError, match="daté du futur"):
        load_candidate(run_dir, governed.platform, NOW - timedelta(seconds=1))
    report = judge_folder(run_dir)
    waiver = make_waiver("HD-001", NOW + timedelta(hours=1))
    found = Finding("HD-001", Outcome.DEROGATION, Change.KNOWN_FAILURE, waiver=waiver)
    waived = dataclasses.replace(report, assessment=dataclasses.replace(report.assessment, findings=(found,)))
    require_promotable(waived, NOW)
    with pytest.raises(UsageError, match="dérogation a expiré depuis : HD-001"):
        require_promotable(waived, NOW + timedelta(hours=1))


def test_a_promotion_that_the_ledger_knows_and_no_file_holds_stops_the_next_campaign(
    governed: Governed,
) -> None:
    promote_run(governed, publish_run(governed, "un"))
    second = promote_run(governed, publish_run(governed, "deux", started_at=NOW + timedelta(hours=1)))
    second.unlink()
    with pytest.raises(ConfigError, match="référence n° 2, inscrite au registre"):
        publish_run(governed, "trois", started_at=NOW + timedelta(hours=2))


def test_what_was_signed_stays_valid_when_the_words_of_the_sheet_change(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_run(governed, publish_run(governed, "un"))
    monkeypatch.setattr("tasks.promotion.render_sheet", lambda *_: "autre texte")
    monkeypatch.setattr("nonreg.promotion.render_sheet", lambda *_: "autre texte")
    assert len(load_all(governed)) == 1


def test_a_baseline_signed_with_fields_that_no_longer_exist_still_loads(governed: Governed) -> None:
    """A frozen file: it was signed by the embedded titulaire when the content had one field more."""
    shutil.copytree(Path(__file__).parent / "data" / "baselines", governed.governance / "baselines")
    (baseline,) = load_all(governed)
    assert (baseline.number, baseline.run_id) == (1, "un")  # type: ignore[attr-defined]


def test_a_run_of_another_platform_is_refused(governed: Governed) -> None:
    run_dir = publish_run(governed, "un")
    governed.change_platform('name = "embarquee"', 'name = "autre"')
    with pytest.raises(UsageError, match="pas de « autre »"):
        load_candidate(run_dir, governed.platform, AT)


def test_a_new_version_is_compared_with_the_last_reference_of_the_old_one_until_it_has_its_own(
    governed: Governed,
) -> None:
    promote_run(governed, publish_run(governed, "un"))
    governed.change_platform('application_version = "5.2.0"', 'application_version = "5.3.0"')
    newer = publish_run(governed, "deux", started_at=NOW + timedelta(hours=1))
    assert read_basis(newer).baseline.application_version == "5.2.0"  # type: ignore[union-attr]
    promote_run(governed, newer)
    baselines = load_all(governed)
    assert choose_baseline(baselines, "5.3.0").number == 2  # type: ignore[arg-type,union-attr]
    assert choose_baseline(baselines, "5.2.0").number == 1  # type: ignore[arg-type,union-attr]
    assert choose_baseline((), "5.2.0") is None


def test_a_baseline_keeps_the_values_of_the_campaigns_before_it(governed: Governed) -> None:
    for number in range(3):
        publish_run(
            governed,
            f"nuit-{number}",
            started_at=NOW + timedelta(days=number),
            measures=(Measure("temps", 0.5 + number, "s", 9.0),),
        )
    promote_run(governed, governed.runs_dir / "nuit-2")
    (baseline,) = load_all(governed)
    assert baseline.results[0].measures[0].samples == (0.5, 1.5, 2.5)  # type: ignore[attr-defined]


def test_the_sheet_tells_what_the_promotion_changes(governed: Governed) -> None:
    promote_run(governed, publish_run(governed, "un"))
    waive(governed, scenario="APP-001")  # without it the campaign would be incomplete
    governed.change_platform("page_seconds = 3.0", "page_seconds = 30.0")
    changed = {"BASE-001": Outcome.OK, "APP-002": Outcome.OK, "HD-001": Outcome.MESURE}
    run_dir = publish_run(governed, "deux", changed, NOW + timedelta(hours=1))
    sheet = load_candidate(run_dir, governed.platform, AT).sheet
    assert "Scénarios retirés : APP-001" in sheet
    assert "Scénarios ajoutés : APP-002" in sheet
    assert "Résultats changés : HD-001 OK → MESURE" in sheet
    assert "Limites changées : page_seconds 3.0 → 30.0" in sheet


def test_the_commands_promote_in_one_step_with_a_key_and_in_three_without(governed: Governed) -> None:
    run_dir = publish_run(governed, "un")
    words = ("promote", str(run_dir), "--ticket", "AQ-9", "--reason", "Recette")
    refused = governed.cli(*words, "--key", governed.key("moa-scv-essai"))
    assert refused.returncode == 3
    assert "ne peut pas prendre une décision de promotion" in refused.stderr
    asked = governed.cli(*words)
    assert asked.returncode == 0, asked.stderr
    (request,) = find_requests(governed)
    signing = ("sign", str(request), "--key", governed.key())
    assert governed.cli(*signing).returncode == 3  # sign has no --runs-dir
    signed = request.with_suffix(".signed.json")
    assert main([*signing, "--platform", str(governed.platform_file)]) == 0
    assert load_signed(signed).decision.subject == "un"
    done = governed.cli(*words, "--decision", str(signed))
    assert done.returncode == 0, done.stderr
    assert "Référence n° 1" in done.stdout
    later = publish_run(governed, "deux", started_at=NOW + timedelta(hours=1))
    done = governed.cli("promote", str(later), *words[2:], "--key", governed.key())
    assert done.returncode == 0, done.stderr
    assert "Référence n° 2" in done.stdout


def test_a_promotion_without_ticket_or_reason_is_refused_in_one_sentence(governed: Governed) -> None:
    run_dir = publish_run(governed, "un")
    for words in (("--reason", "Recette"), ("--ticket", "AQ-9")):
        done = governed.cli("promote", str(run_dir), *words, "--key", governed.key())
        assert done.returncode == 3
        assert len(done.stderr.splitlines()) == 1
    assert not (governed.governance / "baselines").exists()
