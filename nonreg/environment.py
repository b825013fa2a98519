"""Names of the facts that a run records, and what part of the world each of them speaks of."""

from __future__ import annotations

from nonreg.model import Cause, Fact

# Subjects that are no site.
SCOPE, BENCH, DELIVERY = "Périmètre", "poste de lancement", "livraison"

SERVER_VERSION, APPLICATION_VERSION = "Serveur de base de données", "Version de l'application en base"
DATASET, SYSTEM, PYTHON = "Jeu de données en base", "Système", "Python"
ROLE, PUBLICATIONS, SUBSCRIPTIONS = "Rôle déclaré", "Publications", "Abonnements"
AGENTS, STOPPED_SERVICES = "Agents de réplication", "Services arrêtés"
SERVICE_VERSION, SCHEMA, CONFIGURATION = "Version du service ", "Schéma : ", "Configuration : "
SETTINGS, MODULES = SCHEMA + "réglages du serveur", SCHEMA + "procédures, fonctions et vues"
ENCRYPTION = "Chiffrement de la liaison avec la base"
# Not read but stated, by the platform file and by the tool itself.
EXPECTED_VERSION, EXPECTED_DATASET = "Version de l'application attendue", "Jeu de données attendu"
TOOL_COMMIT = "Version de l'outil (commit)"
FREE_DISK, CLOCK_OFFSET = "Espace disque libre", "Écart d'horloge"
LOG_MARK, POSITION_MARK = "Repère des journaux", "Repère : position du journal de la base"
# Counted from the server's start: a scenario later compares with this mark.
REPLICATION_ERRORS = "Erreurs de réplication avant la campagne"
LEFTOVERS = "Données d'essai d'un passage interrompu, nettoyées"

UNKNOWN = "n.d."
NOTHING_STOPPED = "aucun"
DIED, STOPPED = "mort", "arrêté"

# Different at each run by nature: no difference between two runs. Disk and clock have a limit.
VARYING = (FREE_DISK, CLOCK_OFFSET, LOG_MARK, POSITION_MARK, REPLICATION_ERRORS, LEFTOVERS)
SUBJECT_LABELS = {
    "columns": "colonnes",
    "constraints": "contraintes",
    "indexes": "index",
    "triggers": "déclencheurs",
    "permissions": "droits",
    "settings": "réglages du serveur",
}
REPLICATION = (ROLE, PUBLICATIONS, SUBSCRIPTIONS, AGENTS)
# What only scenarios of the high-availability family stand on.
HD_ONLY = (PUBLICATIONS, SUBSCRIPTIONS, AGENTS)
_BENCH_NAMES = (DATASET, EXPECTED_DATASET, PYTHON, TOOL_COMMIT)
_ENVIRONMENT = (
    SERVER_VERSION,
    ENCRYPTION,
    SYSTEM,
    SETTINGS,
    FREE_DISK,
    CLOCK_OFFSET,
    STOPPED_SERVICES,
    *REPLICATION,
)
_APPLICATION_PREFIXES = (APPLICATION_VERSION, EXPECTED_VERSION, SERVICE_VERSION, SCHEMA, CONFIGURATION)


def owner_of(subject: str, name: str) -> Cause:
    """Whose business a fact is: what was delivered, what it runs on, or what tests it."""
    if subject in (SCOPE, BENCH) or name in _BENCH_NAMES:
        return Cause.BANC_DE_TEST
    if name in _ENVIRONMENT or not name.startswith(_APPLICATION_PREFIXES):
        return Cause.ENVIRONNEMENT
    return Cause.APPLICATION


def group_of(name: str) -> str:
    """Facts that come and go together: those of one prefix, or the fact alone."""
    return next((prefix for prefix in (SCHEMA, CONFIGURATION) if name.startswith(prefix)), name)


def is_unknown(value: str) -> bool:
    """True for what could not be read."""
    return not value or value.startswith(UNKNOWN)


def find_value(facts: tuple[Fact, ...], subject: str, name: str) -> str:
    """The value of one fact, empty when it was not recorded."""
    return next((fact.value for fact in facts if (fact.subject, fact.name) == (subject, name)), "")
