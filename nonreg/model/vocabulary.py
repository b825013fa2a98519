"""The words of a campaign as enumerations. Vocabulary: DOMAIN §2.5, §6."""

from __future__ import annotations

from enum import StrEnum


class Nature(StrEnum):
    """What a platform is for; campaigns only run on TEST."""

    TEST = "TEST"
    DEV = "DEV"
    PROD = "PROD"


class SiteRole(StrEnum):
    """Role of a site in the high-availability configuration."""

    ACTIF = "ACTIF"
    PASSIF = "PASSIF"
    SURVEILLANCE = "SURVEILLANCE"


class Family(StrEnum):
    """The three scenario families; the value is the prefix of scenario ids."""

    BASE = "BASE"
    APPLICATIF = "APP"
    HD = "HD"


class Criticality(StrEnum):
    """Severity words of the contract, worst first."""

    BLOQUANTE = "bloquante"
    MAJEURE = "majeure"
    MINEURE = "mineure"


class Effect(StrEnum):
    """What a scenario does to the platform."""

    READ_ONLY = "read_only"
    WRITES_TEST_DATA = "writes_test_data"
    DISRUPTIVE = "disruptive"
    MANUAL = "manual"


class EffectLimit(StrEnum):
    """The most that a campaign's own scenarios may do; drills are asked for apart, by an approval."""

    LECTURE = "lecture"
    DONNEES_MARQUEES = "donnees-marquees"

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What is allowed, the least first."""
        allowed = (Effect.READ_ONLY, Effect.WRITES_TEST_DATA)
        return allowed[:1] if self is EffectLimit.LECTURE else allowed


class Outcome(StrEnum):
    """Result of one scenario; a check that could not be made is INCONCLUSIF, never OK."""

    OK = "OK"
    KO = "KO"
    INCONCLUSIF = "INCONCLUSIF"
    NON_EXECUTE = "NON_EXECUTE"
    NON_APPLICABLE = "NON_APPLICABLE"
    MESURE = "MESURE"
    DEROGATION = "DEROGATION"

    @property
    def letter(self) -> str:
        """One letter by which histories and matrices write the outcome."""
        return {"NON_EXECUTE": "N", "NON_APPLICABLE": "A"}.get(self.value, self.value[0])

    @property
    def is_good(self) -> bool:
        """True when nothing has to be said against it; it may have checked nothing (NON_APPLICABLE)."""
        return self.is_passed or self is Outcome.NON_APPLICABLE

    @property
    def is_passed(self) -> bool:
        """True when something was checked and found as it must be."""
        return self in (Outcome.OK, Outcome.MESURE)

    @property
    def is_executed(self) -> bool:
        """True when something was observed of the platform, whatever it was."""
        return self in (Outcome.OK, Outcome.MESURE, Outcome.KO, Outcome.DEROGATION)


class Verdict(StrEnum):
    """Verdict of a campaign; see `severity` for the order."""

    OK = "OK"
    OK_AVEC_RESERVES = "OK_AVEC_RESERVES"
    INCOMPLET = "INCOMPLET"
    KO = "KO"

    @property
    def severity(self) -> int:
        """0 for OK … 3 for KO: the worst wins."""
        return list(Verdict).index(self)


class Change(StrEnum):
    """How a result compares with the baseline and the last campaigns; UNJUDGED says nothing of it."""

    SAME = "SAME"
    REGRESSION = "REGRESSION"
    FIXED = "FIXED"
    KNOWN_FAILURE = "KNOWN_FAILURE"
    SLOWER = "SLOWER"
    UNSTABLE = "UNSTABLE"
    MISSING = "MISSING"
    UNJUDGED = "UNJUDGED"
    NEW = "NEW"


class GuardStatus(StrEnum):
    """Answer of one guard; NOT_ASKED comes after another guard's refusal."""

    PASSED = "PASSED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    NOT_ASKED = "NOT_ASKED"
    NOT_APPLICABLE = "NOT_APPLICABLE"

    @property
    def stops(self) -> bool:
        """True for the answers with which nothing may be executed."""
        return self not in (GuardStatus.PASSED, GuardStatus.NOT_APPLICABLE)


class Failure(StrEnum):
    """What kept a scenario from being good."""

    ECART = "ecart"  # what was expected was not found
    PLATEFORME = "plateforme"  # the platform did not let itself be observed
    DELAI = "delai"  # the scenario's own deadline passed, or it was interrupted
    CONTROLE = "controle"  # the check itself broke


class Cause(StrEnum):
    """Class of the cause of a failure (DOMAIN §1.2)."""

    APPLICATION = "application"
    ENVIRONNEMENT = "environnement"
    BANC_DE_TEST = "banc_de_test"


class Role(StrEnum):
    """What a person is in the contract (DOMAIN §4.1)."""

    TITULAIRE = "titulaire"
    RENFORT_TECHNIQUE = "renfort_technique"
    RENFORT_PILOTAGE = "renfort_pilotage"
    MOA_SCV = "moa_scv"
    SPC_GD = "spc_gd"
