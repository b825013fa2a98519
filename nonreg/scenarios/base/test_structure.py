"""BASE-001…008, 025, 026: the database is the delivered one: structure, code, rights, settings."""

from __future__ import annotations

import difflib

from nonreg import baseline
from nonreg.clients.sql import Session
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.personal_rights import leave_out_people
from nonreg.probes.schema import compare_modules, read_modules, read_subject
from nonreg.recorder import scenario
from nonreg.witness import Witness


def expect_reference(witness: Witness, session: Session, campaign: Campaign, subject: str) -> None:
    """The rows of one subject are those of the committed baseline."""
    expected = baseline.load_reference(campaign.platform.baseline, subject)
    witness.expect_rows(read_subject(session, subject), expected["rows"])


@scenario(
    "BASE-001",
    "Tables et colonnes identiques à la référence",
    Criticality.BLOQUANTE,
    requirements=("R03", "R04"),
    queries=("schema_columns",),
)
def test_columns(witness: Witness, active: Session, campaign: Campaign) -> None:
    expect_reference(witness, active, campaign, "columns")


@scenario(
    "BASE-002",
    "Contraintes présentes, actives et vérifiées",
    Criticality.MAJEURE,
    queries=("schema_constraints", "untrusted_constraints"),
)
def test_constraints(witness: Witness, active: Session, campaign: Campaign) -> None:
    expect_reference(witness, active, campaign, "constraints")
    witness.expect_no_rows(
        active.query("untrusted_constraints"), "aucune contrainte désactivée ou non vérifiée"
    )


@scenario(
    "BASE-003",
    "Index identiques à la référence et utilisables",
    Criticality.MAJEURE,
    queries=("schema_indexes",),
)
def test_indexes(witness: Witness, active: Session, campaign: Campaign) -> None:
    expect_reference(witness, active, campaign, "indexes")


@scenario(
    "BASE-004",
    "Code des procédures, fonctions et vues égal à la version livrée",
    Criticality.BLOQUANTE,
    requirements=("R03", "R04"),
    queries=("schema_modules",),
)
def test_modules(witness: Witness, active: Session, campaign: Campaign) -> None:
    expected = baseline.load_reference(campaign.platform.baseline, "modules")
    found = read_modules(active)
    unreadable = [module.name for module in found if not module.definition]
    witness.expect_equal(unreadable, [], "définitions lisibles")
    differences = compare_modules(found, expected)
    texts = {module.name: module.definition for module in found}
    for name, change, _, _ in differences:
        before = expected.get(name, {}).get("definition", "").splitlines()
        lines = difflib.unified_diff(
            before, texts.get(name, "").splitlines(), "référence", "plateforme", lineterm=""
        )
        witness.attach(f"{change} {name}", "\n".join(lines) + "\n", "diff")
    shown = [f"{name} : {change}" for name, change, _, _ in differences]
    witness.expect_equal(shown, [], active.query("schema_modules").request)


@scenario(
    "BASE-005",
    "Déclencheurs présents, actifs, et muets à la réplication",
    Criticality.MAJEURE,
    queries=("schema_triggers",),
)
def test_triggers(witness: Witness, active: Session, campaign: Campaign) -> None:
    expect_reference(witness, active, campaign, "triggers")


@scenario(
    "BASE-006",
    "Règles de codage : aucun nouvel écart",
    Criticality.MINEURE,
    requirements=("R03",),
    queries=("house_rule_breaches",),
)
def test_house_rules(witness: Witness, active: Session, campaign: Campaign) -> None:
    accepted = baseline.load_reference(campaign.platform.baseline, "house_rules")["rows"]
    witness.expect_rows(active.query("house_rule_breaches"), accepted)


@scenario(
    "BASE-007",
    "Tables publiées avec clé primaire et identités compatibles avec la réplication",
    Criticality.MAJEURE,
    queries=("articles_without_key", "replicated_generated_always"),
)
def test_published_tables(witness: Witness, active: Session) -> None:
    witness.expect_no_rows(active.query("articles_without_key"), "chaque article a une clé primaire")
    witness.expect_no_rows(
        active.query("replicated_generated_always"), "aucune identité GENERATED ALWAYS publiée"
    )


@scenario("BASE-008", "Procédures sans référence rompue", Criticality.MAJEURE, queries=("broken_modules",))
def test_references(witness: Witness, active: Session) -> None:
    witness.expect_no_rows(active.query("broken_modules"), "chaque objet cité existe")


@scenario(
    "BASE-025",
    "Droits égaux à la référence, aucune écriture directe de l'application",
    Criticality.BLOQUANTE,
    requirements=("R23",),
    queries=("application_direct_writes", "schema_permissions"),
)
def test_permissions(witness: Witness, active: Session, campaign: Campaign) -> None:
    expected = baseline.load_reference(campaign.platform.baseline, "permissions")
    found = leave_out_people(read_subject(active, "permissions"), campaign.platform)
    witness.expect_rows(found, expected["rows"])
    witness.expect_no_rows(active.query("application_direct_writes"), "aucun droit d'écriture direct")


@scenario(
    "BASE-026",
    "Collation, encodage et réglages du serveur égaux à la référence",
    Criticality.MAJEURE,
    queries=("server_settings",),
)
def test_settings(witness: Witness, active: Session, campaign: Campaign) -> None:
    expect_reference(witness, active, campaign, "settings")
