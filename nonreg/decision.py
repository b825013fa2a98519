"""Signed decisions: bound to a person by their SSH key, to the hash of what they were shown, to an expiry.

    request  NAME.json           {decision, shown}: what `python -m nonreg sign` reads
             NAME.decision.json  the exact bytes to sign, for `ssh-keygen -Y sign -n decision@aquareel-nonreg`
             NAME.txt            the exact text to read; its SHA-256 is in the decision
    signed   NAME.signed.json    {decision, shown, signature}

`verify_decision` is asked again just before acting; it refuses by DecisionRefused, never by a traceback.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import unicodedata
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from nonreg.clients import sshsig
from nonreg.config import Platform
from nonreg.errors import DecisionRefused, NonregError
from nonreg.files import read_json
from nonreg.french import explain_os_error
from nonreg.model import Role
from nonreg.people import People, Person
from nonreg.store import write_file

NAMESPACE = "decision@aquareel-nonreg"
CLOCK_TOLERANCE = timedelta(minutes=5)
ID = re.compile(r"D-[0-9a-f]{12}")
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # what a terminal hides or obeys
SHA256 = re.compile(r"[0-9a-f]{64}")


class DecisionKind(StrEnum):
    """What is decided."""

    PROMOTION = "promotion"
    DEROGATION = "derogation"
    EXERCICE = "exercice"
    CONFIRMATION = "confirmation"
    MIGRATION = "migration"
    ETAPE = "etape"
    VALIDATION = "validation"
    REVOCATION = "revocation"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one person; `subject` is the id of what it is about, times are aware.

    `content_sha256` is of the exact French text that was shown (see `hash_shown`).
    """

    id: str
    kind: DecisionKind
    subject: str
    content_sha256: str
    platform: str
    identity_token: str
    person: str
    role: Role
    ticket: str
    reason: str
    decided_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        """A time without zone is a mistake of the caller; DecisionRefused for one that UTC cannot write."""
        if self.decided_at.tzinfo is None or self.expires_at.tzinfo is None:
            raise ValueError("decided_at and expires_at must be aware")
        try:
            for moment in (self.decided_at, self.expires_at):
                moment.astimezone(UTC)
        except OverflowError as error:
            raise DecisionRefused(
                "Une date de la décision est hors du calendrier (années 1 à 9999)."
            ) from error


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What a person is asked to sign, and the text they must have read."""

    decision: Decision
    shown: str


@dataclass(frozen=True, slots=True)
class SignedDecision:
    """A decision with the armored SSH signature of its canonical bytes; not yet verified."""

    decision: Decision
    shown: str
    signature: str


def new_decision_id() -> str:
    """`D-` and 12 random hexadecimal digits."""
    return f"D-{secrets.token_hex(6)}"


def make_request(
    kind: DecisionKind,
    subject: str,
    shown: str,
    platform: Platform,
    person: Person,
    *,
    ticket: str,
    reason: str,
    decided_at: datetime,
    expires_at: datetime,
) -> DecisionRequest:
    """What a person is asked to sign, bound to the text that they are shown; who may is for the caller to say."""
    decision = Decision(
        id=new_decision_id(),
        kind=kind,
        subject=subject,
        content_sha256=hash_shown(shown),
        platform=platform.name,
        identity_token=platform.identity_token,
        person=person.id,
        role=person.role,
        ticket=ticket,
        reason=reason,
        decided_at=decided_at,
        expires_at=expires_at,
    )
    return DecisionRequest(decision, shown)


def canonical_json(value: Any) -> bytes:
    """The one way to write a value: sorted keys, no spaces, NFC, UTF-8. ValueError when it has none."""
    text = json.dumps(
        _normalise(value), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode("utf-8")


def hash_shown(shown: str) -> str:
    """SHA-256 of the text (NFC, UTF-8), as `sha256sum NAME.txt` prints it.

    DecisionRefused when it holds characters that a terminal hides or obeys: what is read must be what is hashed.
    """
    _check_visible(shown, "Le texte à lire", allowed="\n\t")
    return hashlib.sha256(unicodedata.normalize("NFC", shown).encode("utf-8")).hexdigest()


def signed_bytes(decision: Decision) -> bytes:
    """Exactly what the signature covers; DecisionRefused when a text of the decision cannot be written."""
    try:
        return canonical_json(write_decision(decision))
    except ValueError as error:
        raise DecisionRefused("La décision contient un texte qui ne peut pas être écrit en UTF-8.") from error


def write_decision(decision: Decision) -> dict[str, str]:
    """The decision as plain JSON texts in NFC, times in UTC: macOS types accents as two characters."""
    return {
        key: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else _normalise(str(value))
        for key, value in asdict(decision).items()
    }


def normalise_decision(decision: Decision) -> Decision:
    """The decision as it will be read back: NFC, UTC; DecisionRefused when it would not be."""
    return parse_decision(write_decision(decision))


def parse_decision(data: Any) -> Decision:
    """The inverse of `write_decision`; DecisionRefused names the first field that is not what it must be."""
    names = [field.name for field in fields(Decision)]
    if not isinstance(data, dict) or sorted(map(str, data)) != sorted(names):
        raise DecisionRefused(f"La décision doit avoir exactement les champs {', '.join(names)}.")
    for name in names:
        if not isinstance(data[name], str) or not (data[name].strip() or name in ("ticket", "reason")):
            raise DecisionRefused(f"Le champ « {name} » de la décision doit être un texte non vide.")
        _check_visible(data[name], f"Le champ « {name} » de la décision")
    values: dict[str, Any] = dict(data)
    for name, convert, expected in (
        ("kind", DecisionKind, ", ".join(DecisionKind)),
        ("role", Role, ", ".join(Role)),
        ("decided_at", _read_time, "une date UTC avec fuseau"),
        ("expires_at", _read_time, "une date UTC avec fuseau"),
        ("id", ID.fullmatch, "D- et 12 chiffres hexadécimaux"),
        ("content_sha256", SHA256.fullmatch, "64 chiffres hexadécimaux"),
    ):
        try:
            value = convert(data[name])
        except (ValueError, OverflowError):
            value = None
        if value is None:
            raise DecisionRefused(f"Le champ « {name} » de la décision est refusé (attendu : {expected}).")
        if not isinstance(value, re.Match):
            values[name] = value
    decision = Decision(**values)
    if decision.expires_at <= decision.decided_at:
        raise DecisionRefused("La décision expire avant d'être prise.")
    # Signed are the canonical bytes: another spelling of the same decision would not be what was signed.
    if signed_bytes(decision) != _encode_or_refuse(data):
        raise DecisionRefused("La décision n'est pas écrite sous sa forme canonique.")
    return decision


def sign_decision(request: DecisionRequest, signer: sshsig.Signer) -> SignedDecision:
    """Sign the decision in its normal form, after checking that the text shown is the one it is about."""
    decision = normalise_decision(request.decision)
    check_shown(decision, request.shown)
    signature = sshsig.sign(signer, signed_bytes(decision), NAMESPACE)
    return SignedDecision(decision, _normalise(request.shown), signature)


def attach_signature(request: DecisionRequest, armor: str) -> SignedDecision:
    """Combine a request with a signature made elsewhere, once it is found genuine."""
    decision = normalise_decision(request.decision)
    check_shown(decision, request.shown)
    sshsig.verify(sshsig.read_signature(armor), signed_bytes(decision), NAMESPACE)
    return SignedDecision(decision, _normalise(request.shown), armor)


def check_shown(decision: Decision, shown: str) -> None:
    """DecisionRefused unless the text is the one whose hash the decision holds."""
    if hash_shown(shown) != decision.content_sha256:
        raise DecisionRefused(
            f"Le texte montré n'est pas celui de la décision {decision.id} : son empreinte diffère."
        )


def verify_signer(signed: SignedDecision, people: People, at: datetime) -> Person:
    """Who signed: a known person with their own key and role, valid then and at `at`, before the expiry.

    Says nothing about what the decision is for: see `verify_decision`.
    """
    decision = signed.decision
    signature = sshsig.read_signature(signed.signature)
    person = people.find(decision.person)
    if person is None:
        raise DecisionRefused(f"La personne « {decision.person} » n'est pas dans {people.file.name}.")
    owner = people.find_owner(signature.public_key)
    mark = sshsig.fingerprint(signature.public_key)
    if owner is None:
        raise DecisionRefused(f"La clé qui a signé ({mark}) n'est celle de personne dans {people.file.name}.")
    if owner is not person:
        raise DecisionRefused(
            f"La décision est au nom de « {person.id} », mais la clé qui a signé ({mark}) "
            f"est celle de « {owner.id} »."
        )
    sshsig.verify(signature, signed_bytes(decision), NAMESPACE)
    for moment, what in ((decision.decided_at, "au moment de la décision"), (at, "à cette date")):
        role = person.find_role(moment)
        if decision.role is not role:
            raise DecisionRefused(
                f"La décision est signée en tant que {decision.role}, mais « {person.id} » est {role} {what} "
                f"({_show(moment)})."
            )
        if not person.holds(signature.public_key, moment):
            raise DecisionRefused(
                f"La clé qui a signé ({mark}) n'est plus celle de « {person.id} » {what} ({_show(moment)})."
            )
        if not person.is_valid(moment):
            raise DecisionRefused(f"« {person.id} » n'est pas habilité(e) {what} ({_show(moment)}).")
    if decision.decided_at - at > CLOCK_TOLERANCE:  # a sum could leave the calendar
        raise DecisionRefused(f"La décision est datée du futur ({_show(decision.decided_at)}).")
    if at >= decision.expires_at:
        raise DecisionRefused(f"La décision {decision.id} a expiré le {_show(decision.expires_at)}.")
    return person


def verify_decision(
    signed: SignedDecision,
    people: People,
    *,
    kind: DecisionKind,
    shown: str,
    platform: str,
    identity_token: str,
    roles: frozenset[Role],
    at: datetime,
    subject: str | None = None,
) -> Decision:
    """The decision, when it is genuine and for exactly this; DecisionRefused says in one sentence why not.

    `shown` is the text as it must be now, made again by the caller: what was signed must still be true.
    `roles` may take this kind of decision; `subject` is compared when given.
    """
    verify_signer(signed, people, at)
    decision = signed.decision
    if decision.kind is not kind:
        raise DecisionRefused(f"C'est une décision de {decision.kind}, pas de {kind}.")
    if (decision.platform, decision.identity_token) != (platform, identity_token):
        raise DecisionRefused(
            f"La décision vaut pour la plateforme « {decision.platform} », pas pour « {platform} »"
            + (" : le jeton d'identité diffère." if decision.platform == platform else ".")
        )
    if subject is not None and decision.subject != subject:
        raise DecisionRefused(f"La décision porte sur « {decision.subject} », pas sur « {subject} ».")
    if decision.role not in roles:
        allowed = " ou ".join(sorted(roles))
        raise DecisionRefused(
            f"« {decision.person} » ({decision.role}) ne peut pas prendre une décision de {kind} : il faut {allowed}."
        )
    check_shown(decision, shown)
    return decision


def write_request(path: Path, request: DecisionRequest) -> None:
    """Write `NAME.json`, and beside it the exact bytes to sign and the exact text to read."""
    decision = normalise_decision(request.decision)
    check_shown(decision, request.shown)
    content = {"decision": write_decision(decision), "shown": request.shown}
    _write_file(path.with_suffix(".decision.json"), signed_bytes(decision))
    _write_file(path.with_suffix(".txt"), _normalise(request.shown))
    _write_file(path, _pretty(content))


def load_request(path: Path) -> DecisionRequest:
    """A request from its file; ConfigError when unreadable, DecisionRefused when it is not one."""
    data = _check_parts(read_json(path), ("decision", "shown"))
    return DecisionRequest(parse_decision(data["decision"]), data["shown"])


def write_signed(path: Path, signed: SignedDecision) -> None:
    """Write a signed decision, whole or not at all."""
    _write_file(path, _pretty(to_dict(signed)))


def load_signed(path: Path) -> SignedDecision:
    """A signed decision from its file, not verified; ConfigError or DecisionRefused when it is not one."""
    return parse_signed(read_json(path))


def to_dict(signed: SignedDecision) -> dict[str, Any]:
    """A signed decision as plain JSON values."""
    return {
        "decision": write_decision(signed.decision),
        "shown": signed.shown,
        "signature": signed.signature,
    }


def parse_signed(data: Any) -> SignedDecision:
    """The inverse of `to_dict`, not verified; DecisionRefused when it is not one."""
    data = _check_parts(data, ("decision", "shown", "signature"))
    return SignedDecision(parse_decision(data["decision"]), data["shown"], data["signature"])


def _write_file(path: Path, content: str | bytes) -> None:
    try:
        write_file(path, content)
    except OSError as error:
        raise NonregError(f"Écriture impossible : {path} ({explain_os_error(error)}).") from error


def _check_parts(data: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(data, dict) or sorted(data) != sorted(names):
        raise DecisionRefused(f"Un document de décision a exactement les clés {', '.join(names)}.")
    for name in names[1:]:
        if not isinstance(data[name], str):
            raise DecisionRefused(f"Clé « {name} » du document de décision : un texte est attendu.")
    return data


def _check_visible(text: str, what: str, allowed: str = "") -> None:
    for char in text:
        if char not in allowed and unicodedata.category(char) in INVISIBLE:
            raise DecisionRefused(
                f"{what} contient un caractère invisible ou de contrôle (U+{ord(char):04X})."
            )


def _pretty(content: dict[str, Any]) -> str:
    return json.dumps(_normalise(content), ensure_ascii=False, indent=2) + "\n"


def _normalise(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_normalise(key): _normalise(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normalise(item) for item in value]
    return value


def _encode_or_refuse(data: Any) -> bytes:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _read_time(text: str) -> datetime | None:
    """An aware time; OverflowError when UTC cannot write it (9999-12-31T23:59:59-12:00)."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return None
    moment.astimezone(UTC)
    return moment


def _show(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%d/%m/%Y à %H:%M UTC")
