"""The French words and signs of the model's vocabulary; a colour never stands alone."""

from __future__ import annotations

from nonreg.model import (
    Cause,
    Change,
    Criticality,
    DrillEventKind,
    DrillStage,
    EffectLimit,
    Family,
    GuardStatus,
    Nature,
    Outcome,
    Role,
    Verdict,
)
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

GUARDS: dict[GuardStatus, Cell] = {
    GuardStatus.PASSED: Cell("Passée", "✓", "ok"),
    GuardStatus.REFUSED: Cell("Refusée", "✗", "ko"),
    GuardStatus.UNKNOWN: Cell("Sans réponse", "?", "warn"),
    GuardStatus.NOT_ASKED: Cell("Non demandée", "–", "muted"),
    GuardStatus.NOT_APPLICABLE: Cell("Non applicable", "–", "muted"),
}

CHANGES: dict[Change, Cell] = {
    Change.SAME: Cell("Identique", "=", "muted"),
    Change.REGRESSION: Cell("Régression", "↓", "ko"),
    Change.FIXED: Cell("Corrigé", "↑", "ok"),
    Change.KNOWN_FAILURE: Cell("Échec connu", "!", "warn"),
    Change.SLOWER: Cell("Plus lent", "▼", "warn"),
    Change.UNSTABLE: Cell("Instable", "≈", "warn"),
    Change.MISSING: Cell("Sans résultat", "○", "warn"),
    Change.UNJUDGED: Cell("Non jugé", "?", "warn"),
    Change.NEW: Cell("Nouveau", "+", "info"),
}

EFFECT_LIMITS: dict[EffectLimit, str] = {
    EffectLimit.LECTURE: "lecture seule",
    EffectLimit.DONNEES_MARQUEES: "lecture, et écriture de données d'essai marquées",
}

CAUSES: dict[Cause, str] = {
    Cause.APPLICATION: "Application",
    Cause.ENVIRONNEMENT: "Environnement",
    Cause.BANC_DE_TEST: "Banc de test",
}

ROLES: dict[Role, str] = {
    Role.TITULAIRE: "titulaire",
    Role.RENFORT_TECHNIQUE: "renfort technique",
    Role.RENFORT_PILOTAGE: "renfort pilotage",
    Role.MOA_SCV: "MOA / SCV",
    Role.SPC_GD: "SPC GD",
}

LOWER_BOUNDS = frozenset({"disk_free_bytes"})  # limits of which more asks more; all others are maxima

SLOWER_RULE = (
    "Une mesure de durée est dite plus lente quand elle dépasse deux campagnes de suite la médiane de "
    "référence augmentée de la plus grande de ces marges : 6 écarts absolus médians (normés), 50 % de la "
    "médiane, 50 ms ; la première fois, elle est à confirmer. La lenteur commune de la machine est d'abord "
    "retirée ; au-delà de × 1,5 deux campagnes de suite, elle est elle-même une réserve. Référence : au moins "
    "8 valeurs, celles de la promotion, complétées par les premières qui la suivent."
)

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

DRILL_STAGES: dict[DrillStage, str] = {
    DrillStage.CHARGE: "Charge",
    DrillStage.SECOURS: "Secours automatique",
    DrillStage.PLANIFIE: "Bascule planifiée",
    DrillStage.RESEAU: "Réseau",
    DrillStage.PERTE: "Perte non planifiée",
    DrillStage.BILAN: "Bilan",
}

DRILL_EVENTS: dict[DrillEventKind, Cell] = {
    DrillEventKind.STEADY: Cell("Régime établi", "=", "muted"),
    DrillEventKind.FAULT: Cell("Panne", "▼", "ko"),
    DrillEventKind.HEALED: Cell("Guérison", "△", "ok"),
    DrillEventKind.ALARM: Cell("Alarme", "◆", "warn"),
    DrillEventKind.ROLE: Cell("Rôle", "↔", "info"),
    DrillEventKind.OPERATOR: Cell("Opérateur", "○", "info"),
    DrillEventKind.TOOL: Cell("Outil", "■", "info"),
    DrillEventKind.NOTE: Cell("Note", "·", "muted"),
}

PYTEST_EXITS: dict[int, str] = {
    0: "0 (tous les tests ont réussi)",
    1: "1 (des tests ont échoué)",
    2: "2 (exécution interrompue)",
    3: "3 (erreur interne)",
    4: "4 (erreur d'usage)",
    5: "5 (aucun test collecté)",
}
