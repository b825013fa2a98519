"""Signed decisions: accepted for exactly what was read and signed, refused in one sentence for anything else."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.__main__ import main
from nonreg.clients import sshsig
from nonreg.config import load_platform
from nonreg.decision import (
    NAMESPACE,
    Decision,
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    attach_signature,
    canonical_json,
    hash_shown,
    load_request,
    load_signed,
    make_request,
    new_decision_id,
    parse_decision,
    parse_signed,
    sign_decision,
    signed_bytes,
    to_dict,
    verify_decision,
    write_decision,
    write_request,
    write_signed,
)
from nonreg.errors import ConfigError, DecisionRefused, NonregError
from nonreg.model import Role
from nonreg.people import People, Person
from tests.decision_samples import (
    NOW,
    SHOWN,
    TOKEN,
    make_decision,
    make_key,
    make_people,
    make_signed,
    make_signer,
    public_line,
    write_key,
)
from tests.test_layers import MODULES

HOUR = timedelta(hours=1)


def verify(signed: SignedDecision, people: People | None = None, **changes: Any) -> Decision:
    expected: dict[str, Any] = {
        "kind": DecisionKind.PROMOTION,
        "shown": SHOWN,
        "platform": "essai",
        "identity_token": TOKEN,
        "roles": frozenset({Role.TITULAIRE}),
        "at": NOW,
    }
    return verify_decision(signed, people or make_people(), **(expected | changes))


def test_a_genuine_decision_for_exactly_this_is_accepted(tmp_path: Path) -> None:
    signed = make_signed(tmp_path)
    assert verify(signed, subject=signed.decision.subject) == make_decision()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shown": SHOWN + " "}, "n'est pas celui de la décision"),
        ({"kind": DecisionKind.DEROGATION}, "décision de promotion, pas de derogation"),
        ({"platform": "autre"}, "« essai », pas pour « autre »"),
        ({"identity_token": "autre"}, "le jeton d'identité diffère"),
        ({"subject": "un-autre-passage"}, "pas sur « un-autre-passage »"),
        ({"roles": frozenset({Role.MOA_SCV, Role.SPC_GD})}, "il faut moa_scv ou spc_gd"),
        ({"at": NOW + 8 * HOUR}, "a expiré"),
        ({"at": NOW - timedelta(minutes=6, seconds=1)}, "datée du futur"),
    ],
)
def test_a_decision_is_refused_for_anything_else(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DecisionRefused, match=message):
        verify(make_signed(tmp_path), **changes)


def test_a_decision_holds_until_the_instant_of_its_expiry_and_within_the_clocks_tolerance(
    tmp_path: Path,
) -> None:
    signed = make_signed(tmp_path)
    verify(signed, at=NOW + 8 * HOUR - timedelta(microseconds=1))
    verify(signed, at=NOW - timedelta(minutes=6))


@pytest.mark.parametrize(
    ("number", "changes", "message"),
    [
        (1, {"person": "inconnue-1"}, "« inconnue-1 » n'est pas dans people.toml"),
        (2, {}, "au nom de « titulaire-1 », mais la clé qui a signé .* est celle de « moa-1 »"),
        (9, {}, r"\(SHA256:.*\) n'est celle de personne"),
        (1, {"role": Role.MOA_SCV}, "en tant que moa_scv, mais « titulaire-1 » est titulaire"),
    ],
)
def test_another_person_key_or_role_is_refused(
    number: int, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DecisionRefused, match=message):
        verify(make_signed(tmp_path, number, **changes), roles=frozenset(Role))


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (None, NOW, r"à cette date"),
        (None, NOW - HOUR, "au moment de la décision"),
        (NOW - timedelta(seconds=30), None, "au moment de la décision"),
    ],
)
def test_a_person_who_is_no_longer_or_not_yet_in_charge_is_refused(
    start: datetime | None, end: datetime | None, message: str, tmp_path: Path
) -> None:
    people = make_people()
    person = dataclasses.replace(people.persons[0], valid_from=start, valid_until=end)
    with pytest.raises(DecisionRefused, match=message):
        verify(make_signed(tmp_path), People(people.file, (person, *people.persons[1:])))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Decision)])
def test_no_field_can_change_under_the_signature(field: str, tmp_path: Path) -> None:
    other: dict[str, Any] = {
        "id": "D-ffffffffffff",
        "kind": DecisionKind.DEROGATION,
        "content_sha256": hash_shown("autre"),
        "person": "titulaire-2",
        "role": Role.MOA_SCV,
        "decided_at": NOW - 2 * HOUR,
        "expires_at": NOW + 900 * HOUR,
    }
    signed = make_signed(tmp_path)
    forged = dataclasses.replace(
        signed, decision=dataclasses.replace(signed.decision, **{field: other.get(field, "autre")})
    )
    # Somebody else who holds the same key cannot exist in a people file: here only the signature refuses.
    twin = Person("titulaire-2", "Ysé Montclair", Role.TITULAIRE, make_people().persons[0].keys)
    people = People(Path("people.toml"), (twin,)) if field == "person" else make_people()
    with pytest.raises(DecisionRefused, match="ne correspond pas au contenu signé"):
        verify(forged, people)


def test_a_signature_of_the_same_person_for_another_use_is_refused(tmp_path: Path) -> None:
    armor = sshsig.sign(make_signer(tmp_path), signed_bytes(make_decision()), "git")
    with pytest.raises(DecisionRefused, match="autre usage"):
        verify(SignedDecision(make_decision(), SHOWN, armor))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_whatever_stands_for_a_signature_is_refused_in_one_sentence(armor: str) -> None:
    with pytest.raises(DecisionRefused):
        verify(SignedDecision(make_decision(), SHOWN, armor))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_whatever_stands_for_a_decision_is_refused_in_one_sentence(data: Any) -> None:
    with pytest.raises(DecisionRefused):
        parse_signed(data)
    with pytest.raises(DecisionRefused):
        parse_signed({"decision": data, "shown": "x", "signature": "x"})


@given(st.sampled_from(sorted(write_decision(make_decision()))), JSON)
def test_a_field_with_any_other_value_is_refused_or_is_another_decision(field: str, value: Any) -> None:
    data: dict[str, Any] = write_decision(make_decision()) | {field: value}
    try:
        read = parse_decision(data)
    except DecisionRefused:
        return
    assert write_decision(read) == data


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "D-0123"),
        ("id", "D-0123456789ab\n"),
        ("kind", "autre"),
        ("role", "chef"),
        ("content_sha256", "0" * 63),
        ("subject", ""),
        ("subject", "e\u0301"),
        ("reason", "caché\u202e"),
        ("reason", "\ud800"),
        ("ticket", "\x1b[2K"),
        ("decided_at", "2026-11-23T16:08:11"),
        ("decided_at", "2026-11-23T17:08:11+01:00"),
        ("decided_at", "hier"),
        ("expires_at", "2026-11-23T16:08:11+00:00"),
        ("expires_at", 5),
        ("expires_at", "9999-12-31T23:59:59-12:00"),
        ("decided_at", "0001-01-01T00:00:00+12:00"),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(DecisionRefused):
        parse_decision(write_decision(make_decision()) | {field: value})


LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "moment"),
    [
        ("expires_at", LAST.replace(tzinfo=timezone(-12 * HOUR))),
        ("decided_at", datetime(1, 1, 1, tzinfo=timezone(12 * HOUR))),
    ],
)
def test_a_time_that_utc_cannot_write_makes_no_decision(field: str, moment: datetime) -> None:
    with pytest.raises(DecisionRefused, match="hors du calendrier"):
        make_decision(**{field: moment})


def test_a_decision_of_the_last_minute_of_the_calendar_is_verified_without_leaving_it(tmp_path: Path) -> None:
    decided_at = LAST - timedelta(minutes=1)
    signed = make_signed(tmp_path, decided_at=decided_at, expires_at=LAST)
    assert verify(signed, at=decided_at).expires_at == LAST


def test_the_times_of_a_refusal_say_that_they_are_utc(tmp_path: Path) -> None:
    winter = timezone(HOUR)
    signed = make_signed(tmp_path, expires_at=datetime(2026, 11, 23, 18, 0, tzinfo=winter))
    with pytest.raises(DecisionRefused, match="a expiré le 23/11/2026 à 17:00 UTC"):
        verify(signed, at=datetime(2026, 11, 23, 19, 0, tzinfo=winter))


def test_accents_typed_as_two_characters_are_signed_as_one(tmp_path: Path) -> None:
    """What macOS hands over (NFD) is signed, written and read back in NFC; a file in NFD is not what was signed."""
    typed = unicodedata.normalize("NFD", "Échéance décalée")
    shown = unicodedata.normalize("NFD", SHOWN)
    request = DecisionRequest(make_decision(reason=typed), shown)
    write_request(tmp_path / "demande.json", request)
    read = load_request(tmp_path / "demande.json")
    assert read == DecisionRequest(make_decision(reason="Échéance décalée"), SHOWN)
    signer = make_signer(tmp_path)
    for signed in (sign_decision(request, signer), sign_decision(read, signer)):
        assert signed.decision == read.decision
        assert signed.shown == SHOWN
        assert verify(parse_signed(to_dict(signed))) == read.decision
        assert attach_signature(request, signed.signature) == signed
    tampered = to_dict(signed)
    tampered["decision"]["reason"] = typed
    with pytest.raises(DecisionRefused, match="forme canonique"):
        parse_signed(tampered)


def test_a_decision_that_could_not_be_read_back_is_not_signed(tmp_path: Path) -> None:
    request = DecisionRequest(make_decision(reason="caché\u202e"), SHOWN)
    with pytest.raises(DecisionRefused, match="invisible"):
        sign_decision(request, make_signer(tmp_path))


def test_a_decision_may_have_no_ticket_and_no_reason() -> None:
    bare = make_decision(ticket="", reason="")
    assert parse_decision(write_decision(bare)) == bare


def test_a_decision_with_more_or_fewer_fields_is_refused() -> None:
    data = write_decision(make_decision())
    for wrong in (data | {"note": "x"}, {key: data[key] for key in list(data)[1:]}):
        with pytest.raises(DecisionRefused, match="exactement les champs"):
            parse_decision(wrong)


NFC_TEXTS = st.text().map(lambda text: unicodedata.normalize("NFC", text))  # as everything that is signed


@given(NFC_TEXTS, NFC_TEXTS, st.datetimes(), st.integers(1, 10**9))
def test_a_decision_is_read_back_from_what_is_signed(
    subject: str, reason: str, decided_at: datetime, lifetime_seconds: int
) -> None:
    moment = decided_at.replace(tzinfo=NOW.tzinfo)
    try:
        decision = make_decision(
            subject=subject,
            reason=reason,
            decided_at=moment,
            expires_at=moment + timedelta(seconds=lifetime_seconds),
        )
        assert parse_decision(write_decision(decision)) == decision
        assert json.loads(signed_bytes(decision)) == write_decision(decision)
    except (DecisionRefused, OverflowError):  # invisible characters, dates after year 9999
        return


def test_the_signed_bytes_are_canonical() -> None:
    assert canonical_json({"b": "e\u0301", "a": [1, "e\u0301"]}) == '{"a":[1,"é"],"b":"é"}'.encode()
    assert signed_bytes(make_decision()) == signed_bytes(make_decision(reason="Livraison 5.2 accepte\u0301e"))


def test_ids_are_random_and_well_formed() -> None:
    ids = {new_decision_id() for _ in range(200)}
    assert len(ids) == 200
    for one in ids:
        parse_decision(write_decision(make_decision(id=one)))


def test_a_naive_time_is_a_mistake_of_the_caller() -> None:
    for field in ("decided_at", "expires_at"):
        with pytest.raises(ValueError, match="aware"):
            make_decision(**{field: datetime(2026, 1, 1)})


@pytest.mark.parametrize("hidden", ["\x1b[2J", "\r", "\u202e", "\u200b", "\x00", "\ud800", "\u2028"])
def test_a_text_that_a_terminal_would_not_show_as_it_is_is_refused(hidden: str) -> None:
    with pytest.raises(DecisionRefused, match="invisible ou de contrôle"):
        hash_shown(f"rien à voir{hidden}")


def test_the_hash_is_the_one_of_the_text_file_beside_the_request(tmp_path: Path) -> None:
    shown = "e\u0301crit en deux caractères : 12\u00a0s\n"
    decision = make_decision(content_sha256=hash_shown(shown))
    write_request(tmp_path / "demande.json", DecisionRequest(decision, shown))
    output = subprocess.run(
        ["sha256sum", tmp_path / "demande.txt"], capture_output=True, text=True, check=True
    ).stdout
    assert output.split()[0] == decision.content_sha256
    assert (tmp_path / "demande.decision.json").read_bytes() == signed_bytes(decision)
    assert load_request(tmp_path / "demande.json").decision == decision


def test_a_text_that_is_not_the_one_of_the_decision_is_neither_asked_signed_nor_attached(
    tmp_path: Path,
) -> None:
    request = DecisionRequest(make_decision(), "un autre texte")
    armor = make_signed(tmp_path).signature
    for attempt in (
        lambda: write_request(tmp_path / "demande.json", request),
        lambda: sign_decision(request, make_signer(tmp_path)),
        lambda: attach_signature(request, armor),
    ):
        with pytest.raises(DecisionRefused, match="son empreinte diffère"):
            attempt()
    assert not list(tmp_path.glob("demande*"))


def test_a_signed_decision_survives_its_file(tmp_path: Path) -> None:
    signed = make_signed(tmp_path)
    write_signed(tmp_path / "x.signed.json", signed)
    assert load_signed(tmp_path / "x.signed.json") == signed == parse_signed(to_dict(signed))


def test_a_file_that_is_no_decision_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(ConfigError, match="fichier ou dossier absent"):
        load_signed(path)
    with pytest.raises(ConfigError, match="c'est un dossier"):
        load_request(tmp_path)
    for content in (b"\xff", b"{", b"[" * 100_000, b"9" * 5_000):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"x\.json : "):
            load_signed(path)
    path.write_text('{"decision": {}}', encoding="utf-8")
    with pytest.raises(DecisionRefused, match="exactement les clés"):
        load_request(path)
    path.write_text('{"decision": {}, "shown": 3}', encoding="utf-8")
    with pytest.raises(DecisionRefused, match="« shown »"):
        load_request(path)
    with pytest.raises(NonregError, match=r"Écriture impossible .*\(fichier ou dossier absent\)"):
        write_signed(tmp_path / "absent" / "x.json", make_signed(tmp_path))


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "demande.json"
    write_request(path, DecisionRequest(make_decision(), SHOWN))
    return path


def test_sign_shows_the_text_and_writes_a_signed_decision(
    request_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = write_key(tmp_path / "clé", make_key("ed25519", 1))
    assert main(["sign", str(request_file), "--key", str(key), "--person", "titulaire-1"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(SHOWN)
    for word in ("essai", "titulaire-1, titulaire", "AQ-123", "Livraison 5.2 acceptée", "23/11/2026"):
        assert word in output
    assert verify(load_signed(tmp_path / "demande.signed.json"))


def test_sign_attaches_a_signature_made_elsewhere_once_it_is_found_genuine(
    request_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    armor = tmp_path / "demande.decision.json.sig"
    content = (tmp_path / "demande.decision.json").read_bytes()
    armor.write_text(sshsig.sign(make_signer(tmp_path), content + b"\n", NAMESPACE), encoding="ascii")
    assert main(["sign", str(request_file), "--signature", str(armor)]) == 3
    assert "ne correspond pas" in capsys.readouterr().err
    armor.write_text(sshsig.sign(make_signer(tmp_path), content, NAMESPACE), encoding="ascii")
    assert main(["sign", str(request_file), "--signature", str(armor)]) == 0
    assert verify(load_signed(tmp_path / "demande.signed.json"))


def test_sign_refuses_a_request_whose_text_was_changed(
    request_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request_file.write_text(
        request_file.read_text(encoding="utf-8").replace("n° 3", "n° 2"), encoding="utf-8"
    )
    key = write_key(tmp_path / "clé", make_key("ed25519", 1))
    assert main(["sign", str(request_file), "--key", str(key)]) == 3
    assert "son empreinte diffère" in capsys.readouterr().err
    assert not (tmp_path / "demande.signed.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "une seule des options"),
        (["--agent", "--key", "x"], "une seule des options"),
        (["--key", "absente"], "Clé illisible : absente (fichier ou dossier absent)"),
        (["--key", "/"], "Clé illisible : / (c'est un dossier)"),
        (["--signature", "absente"], "Signature illisible : absente (fichier ou dossier absent)"),
        (["--agent"], "L'agent SSH est absent"),
        (["--agent", "--person", "moa-1"], "par « titulaire-1 », pas par « moa-1 »"),
        (["--agent", "--platform", "embarquee"], "« essai », pas sur « embarquee »"),
    ],
)
def test_sign_refuses_a_wrong_use_in_one_sentence(
    options: list[str],
    message: str,
    request_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert main(["sign", str(request_file), *options]) == 3
    assert message in capsys.readouterr().err


def test_the_passphrase_comes_from_the_environment_or_is_asked_for_in_one_sentence(
    request_file: Path, tmp_path: Path
) -> None:
    key = write_key(tmp_path / "clé", make_key("ed25519", 1), "sésame ouvre-toi")
    command = [sys.executable, "-m", "nonreg", "sign", str(request_file), "--key", str(key)]
    without = {name: value for name, value in os.environ.items() if name != "NONREG_KEY_PASSPHRASE"}
    for passphrase, status, message in (
        (None, 3, "Définissez NONREG_KEY_PASSPHRASE"),
        ("autre", 3, "phrase de passe fausse"),
        ("sésame ouvre-toi", 0, ""),
    ):
        given = {} if passphrase is None else {"NONREG_KEY_PASSPHRASE": passphrase}
        ended = subprocess.run(
            command,
            env=without | given,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert ended.returncode == status, ended.stderr
        assert message in ended.stderr
        assert "Traceback" not in ended.stderr
        assert "sésame" not in ended.stdout + ended.stderr


def test_at_a_terminal_only_oui_signs(
    request_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = write_key(tmp_path / "clé", make_key("ed25519", 1))
    primary, secondary = os.openpty()
    with os.fdopen(primary, "wb", buffering=0) as keyboard, os.fdopen(secondary, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        for answer, status in ((b"\n", 1), (b"non\n", 1), (b"oui\n", 0)):
            keyboard.write(answer)
            assert main(["sign", str(request_file), "--key", str(key)]) == status
            assert (tmp_path / "demande.signed.json").exists() is (status == 0)
    assert public_line(make_key("ed25519", 1)) in make_people().persons[0].keys


def test_a_request_is_of_the_person_for_the_platform_and_bound_to_the_text_shown() -> None:
    people, platform = make_people(), dataclasses.replace(load_platform("embarquee"), identity_token=TOKEN)
    request = make_request(
        DecisionKind.PROMOTION,
        "un passage",
        SHOWN,
        platform,
        people.persons[1],
        ticket="AQ-1",
        reason="relu",
        decided_at=NOW,
        expires_at=NOW + HOUR,
    )
    made = request.decision
    assert (made.person, made.role) == ("moa-1", Role.MOA_SCV)
    assert (made.platform, made.identity_token) == (platform.name, TOKEN)
    assert (made.subject, made.ticket, made.reason) == ("un passage", "AQ-1", "relu")
    assert (made.decided_at, made.expires_at) == (NOW, NOW + HOUR)
    assert made.content_sha256 == hash_shown(request.shown)


def test_only_one_maker_builds_what_is_asked_to_be_signed() -> None:
    makers = {
        path.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Decision", "new_decision_id")
    }
    assert makers == {"decision.py"}
