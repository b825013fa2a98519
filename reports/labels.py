"""The French words and signs of the model's vocabulary; a colour never stands alone."""

from __future__ import annotations

from nonreg.model import Change, Criticality, Family, GuardStatus, Nature, Outcome, Verdict
from reports.document import Cell

OUTCOMES: dict[Outcome, Cell] = {
    Outcome.OK: Cell("OK", "✓", "ok"),
    Outcome.KO: Cell("KO", "✗", "ko"),
    Outcome.INCONCLUSIF: Cell("Inconclusif", "?", "warn"),
    Outcome.NON_EXECUTE: Cell("Non exécuté", "○", "warn"),
    Outcome.NON_APPLICABLE: Cell("Non applicable", "–", "muted"),
    Outcome.MESURE: Cell("Mesure", "◇", "info"),
    Outcome.DEROGATION: Cell("Dérogation", "!", "warn"),
}
MISSING = Cell("Sans résultat", "○", "warn")

VERDICTS: dict[Verdict, Cell] = {
    Verdict.OK: Cell("OK", "✓", "ok"),
    Verdict.OK_AVEC_RESERVES: Cell("OK avec réserves", "!", "warn"),
    Verdict.INCOMPLET: Cell("INCOMPLET", "?", "warn"),
    Verdict.KO: Cell("KO", "✗", "ko"),
}

CONCLUSIONS: dict[Verdict, str] = {
    Verdict.OK: "Aucune régression constatée sur le périmètre exécuté.",
    Verdict.OK_AVEC_RESERVES: "Aucune régression bloquante ou majeure constatée ; les réserves ci-dessous "
    "sont à examiner.",
    Verdict.INCOMPLET: "La non-régression n'est pas établie : des contrôles bloquants ou majeurs n'ont pas "
    "pu être jugés.",
    Verdict.KO: "La non-régression n'est pas établie : au moins un contrôle est en échec.",
}

GUARDS: dict[GuardStatus, Cell] = {
    GuardStatus.PASSED: Cell("Passée", "✓", "ok"),
    GuardStatus.REFUSED: Cell("Refusée", "✗", "ko"),
    GuardStatus.UNKNOWN: Cell("Sans réponse", "?", "warn"),
    GuardStatus.NOT_ASKED: Cell("Non demandée", "–", "muted"),
    GuardStatus.NOT_APPLICABLE: Cell("Non applicable", "–", "muted"),
}

CHANGES: dict[Change, str] = {
    Change.SAME: "Identique",
    Change.REGRESSION: "Régression",
    Change.FIXED: "Corrigé",
    Change.KNOWN_FAILURE: "Échec connu",
    Change.SLOWER: "Plus lent",
    Change.UNSTABLE: "Instable",
    Change.MISSING: "Sans résultat",
    Change.NEW: "Nouveau",
}

FAMILIES: dict[Family, str] = {
    Family.BASE: "BASE (base de données)",
    Family.APPLICATIF: "APPLICATIF",
    Family.HD: "HD (haute disponibilité)",
}

NATURES: dict[Nature, str] = {
    Nature.TEST: "TEST (plateforme de test)",
    Nature.DEV: "DEV (développement)",
    Nature.PROD: "PROD (production)",
}

CRITICALITIES: dict[Criticality, str] = {
    Criticality.BLOQUANTE: "Bloquante",
    Criticality.MAJEURE: "Majeure",
    Criticality.MINEURE: "Mineure",
}

PYTEST_EXITS: dict[int, str] = {
    0: "0 (tous les tests ont réussi)",
    1: "1 (des tests ont échoué)",
    2: "2 (exécution interrompue)",
    3: "3 (erreur interne)",
    4: "4 (erreur d'usage)",
    5: "5 (aucun test collecté)",
}
