"""What a scenario's end means: outcome, failure kind and message, from what its phases and its witness say."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest

from nonreg.errors import NonregError, NotOnEngine, PlatformError
from nonreg.model import Failure, Outcome, ScenarioResult
from nonreg.witness import NotApplicable, Witness

WORST_FIRST = (
    Outcome.KO,
    Outcome.INCONCLUSIF,
    Outcome.NON_EXECUTE,
    Outcome.NON_APPLICABLE,
    Outcome.MESURE,
    Outcome.OK,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What ended one phase of a scenario; `failure` is None for what is good or was skipped on purpose."""

    outcome: Outcome
    message: str
    failure: Failure | None = None


def classify(error: BaseException) -> Ending:
    """How the scenario ends when one of its phases raises this."""
    if isinstance(error, NotApplicable | NotOnEngine):
        return Ending(Outcome.NON_APPLICABLE, str(error))
    if isinstance(error, AssertionError):
        words = str(error).splitlines()[0] if str(error) else "Vérification en échec."
        return Ending(Outcome.KO, words, Failure.ECART)
    if isinstance(error, PlatformError):
        return Ending(Outcome.INCONCLUSIF, str(error), Failure.PLATEFORME)
    if isinstance(error, NonregError):  # a missing reference, secret or query: the bench, not the platform
        return Ending(Outcome.INCONCLUSIF, str(error), Failure.CONTROLE)
    if isinstance(error, pytest.skip.Exception):
        return Ending(Outcome.NON_EXECUTE, f"Non exécuté : {error.msg}")
    if isinstance(error, pytest.fail.Exception) and "Timeout" in str(error):
        return Ending(Outcome.INCONCLUSIF, "Délai du scénario dépassé.", Failure.DELAI)
    words = f"Contrôle défaillant ({type(error).__name__} : {error})."
    return Ending(Outcome.INCONCLUSIF, words, Failure.CONTROLE)


def classify_teardown(error: BaseException) -> Ending:
    """The same for the restoring phase: whatever stopped it, nobody has proved that the platform is as found."""
    ending = classify(error)
    if ending.outcome is Outcome.KO:
        return dataclasses.replace(ending, failure=Failure.CONTROLE)
    message = f"Remise en état non prouvée : {ending.message}"
    return Ending(Outcome.INCONCLUSIF, message, Failure.CONTROLE)


def worsen(result: ScenarioResult, ending: Ending) -> ScenarioResult:
    """The result after one more phase: the worst outcome wins and keeps its failure kind, messages add up."""
    message = " ".join(filter(None, (result.message, ending.message)))
    if WORST_FIRST.index(ending.outcome) < WORST_FIRST.index(result.outcome):
        return dataclasses.replace(result, outcome=ending.outcome, message=message, failure=ending.failure)
    return dataclasses.replace(result, message=message)


def conclude(result: ScenarioResult, witness: Witness, duration_seconds: float) -> ScenarioResult:
    """The final result, from what the phases and the witness say; a gap is an ECART, whatever else broke."""
    if witness.gaps:
        first = witness.gaps[0]
        words = f"Attendu : {first.expected} ; trouvé : {first.found}."
        result = worsen(result, Ending(Outcome.KO, words, Failure.ECART))
        result = dataclasses.replace(result, failure=Failure.ECART)
    elif result.outcome is Outcome.OK and (witness.missed or witness.checks == 0):
        missed = witness.missed or ["aucune vérification faite"]
        words = f"Contrôle défaillant : {' ; '.join(missed)}."
        result = worsen(result, Ending(Outcome.INCONCLUSIF, words, Failure.CONTROLE))
    elif any(measure.limit is None for measure in witness.measures):
        result = worsen(result, Ending(Outcome.MESURE, "Valeur relevée, sans limite convenue."))
    return dataclasses.replace(
        result,
        duration_seconds=round(duration_seconds, 3),
        measures=tuple(witness.measures),
        gaps=tuple(witness.gaps),
        evidence=tuple(witness.evidence),
    )
