"""Who signed a line of the ledger: forged, or genuine; by somebody known here, or by nobody known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg.clients import sshsig
from nonreg.decision import NAMESPACE, Decision, SignedDecision, signed_bytes, verify_signer
from nonreg.errors import ConfigError, DecisionRefused, NonregError
from nonreg.evidence.manifest import hash_identity
from nonreg.people import GOVERNANCE_DIR, PEOPLE, People, load_people

Lookup = Callable[[str, str], "Known | None"]  # platform, identity token


@dataclass(frozen=True, slots=True)
class Known:
    """The people of a platform, and in French where they were read."""

    people: People
    source: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature to check: the line that holds it, its decision, when it was recorded."""

    sequence: int
    decision: Decision
    signature: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with signatures, in French, and what could not be told; `sources` are the people files used."""

    count: int
    wrong: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def find_people(folder: Path, given: Mapping[tuple[str, str], Known] | None = None) -> Lookup:
    """Looks people up: those given by platform and token, then this repository's, then the copy in the folder."""

    def look(platform: str, identity_token: str) -> Known | None:
        if given and (platform, identity_token) in given:
            return given[platform, identity_token]
        refused: ConfigError | None = None
        for file, source in (
            (GOVERNANCE_DIR / Path(platform).name / PEOPLE, "fichier des personnes de ce dépôt"),
            (folder / name_copy(identity_token), "copie jointe des personnes, à comparer à l'original"),
        ):
            try:
                if file.is_file():
                    return Known(load_people(file.parent, identity_token, file.name), source)
            except ConfigError as error:
                refused = refused or error
        if refused is not None:
            raise refused
        return None

    return look


def name_copy(identity_token: str) -> str:
    """The file of an export that holds the signers of a platform."""
    return f"personnes-{hash_identity(identity_token)[:16]}.toml"


def check_signatures(signatures: Iterable[Signed], look: Lookup) -> Checked:
    """Check each signature as at the time of its line."""
    wrong: list[str] = []
    unknown: list[str] = []
    sources: list[str] = []
    count = 0
    for one in signatures:
        decision, where = one.decision, f"décision {one.decision.id} (registre, ligne {one.sequence})"
        count += 1
        try:
            signature = sshsig.read_signature(one.signature)
            sshsig.verify(signature, signed_bytes(decision), NAMESPACE)
        except DecisionRefused as error:
            wrong.append(f"fausse signature, {where} : {_word(error)}")
            continue
        key = sshsig.fingerprint(signature.public_key)
        try:
            known = look(decision.platform, decision.identity_token)
        except NonregError as error:
            unknown.append(f"signataire à vérifier, {where}, clé {key} : {_word(error)}")
            continue
        if known is None:
            unknown.append(
                f"signataire à vérifier, {where} : signature authentique de la clé {key}, mais aucun fichier des "
                f"personnes de « {decision.platform} » n'est ici (--platform)"
            )
            continue
        sources.append(known.source)
        if (
            known.people.find(decision.person) is None
            or known.people.find_owner(signature.public_key) is None
        ):
            wrong.append(
                f"signataire inconnu, {where} : signature authentique de la clé {key}, mais « {decision.person} » et "
                f"cette clé ne sont pas ensemble dans le fichier des personnes ({known.source}). Si la clé y a été "
                "remplacée, remettez-la parmi ses anciennes clés, avec sa fin (former_keys) : alors rien n'a été altéré"
            )
            continue
        try:
            verify_signer(SignedDecision(decision, "", one.signature), known.people, one.at)
        except DecisionRefused as error:
            wrong.append(
                f"signature refusée, {where} : {_word(error)}{_advise(decision, known.people, one.at)}"
            )
    return Checked(count, tuple(wrong), tuple(unknown), tuple(dict.fromkeys(sources)))


def _advise(decision: Decision, people: People, at: datetime) -> str:
    """What somebody may have forgotten in the people file, when that alone may be why."""
    person = people.find(decision.person)
    if person is None or person.find_role(at) is decision.role:
        return ""
    return ". Si son rôle a changé depuis, gardez l'ancien avec sa fin (former_roles) : alors rien n'a été altéré"


def _word(error: NonregError) -> str:
    return str(error).rstrip(".")
