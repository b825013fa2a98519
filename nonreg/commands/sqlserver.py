"""Commands of the SQL side: propose scenarios from the catalog, give the two accounts their rights and check them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, Commands
from nonreg.errors import NonregError, PlatformError, UsageError
from nonreg.french import explain_os_error
from nonreg.wording import plural

if TYPE_CHECKING:
    from nonreg.config import Platform
    from nonreg.grants.manifest import Manifest
    from nonreg.grants.preflight import Judgement


def add_commands(commands: Commands) -> None:
    """Add `discover` and `grants`."""
    discover = commands.add_parser(
        "discover",
        help="proposer des scénarios SQL d'après le catalogue de la base",
        description="Lit le catalogue de la base du site actif et propose des fichiers de scénarios, à relire et à\n"
        "compléter : vues, fonctions table et procédures de lecture sans paramètre, contraintes, empreintes du\n"
        "code. Rien n'est exécuté avant qu'un fichier soit renommé en .sql ; un fichier existant n'est jamais\n"
        "remplacé, et un objet garde son identifiant d'une découverte à l'autre.",
        epilog="codes de sortie : 0 fait, 2 la plage d'identifiants est épuisée, 3 erreur d'utilisation ou de\n"
        "configuration, ou base injoignable",
    )
    discover.set_defaults(run_command=run_discover)
    add_common(discover)
    discover.add_argument(
        "--output",
        required=True,
        metavar="DOSSIER",
        help="dossier des scénarios découverts ; les propositions vont dans DOSSIER/proposes",
    )
    discover.add_argument(
        "--only",
        default="",
        metavar="MOTIFS",
        help="motifs de « schéma.objet », par exemple 'prod.*,ref.v_*' (défaut : tout)",
    )
    grants = commands.add_parser(
        "grants",
        help="écrire le script T-SQL des droits des deux comptes, ou vérifier ces droits",
        description="Écrit le script T-SQL qui donne au compte de lecture et au compte d'écriture ce dont les\n"
        "campagnes ont besoin, et rien d'autre ; il ne contient aucun mot de passe. Avec --check : demande à la\n"
        "base de chaque site ce que ces comptes peuvent faire, nomme ce qui manque et ce qui est en trop.",
        epilog="codes de sortie : 0 fait, 2 un droit manque ou est en trop, ou n'a pas pu être demandé (--check),\n"
        "3 erreur d'utilisation ou de configuration",
    )
    grants.set_defaults(run_command=run_grants)
    add_common(grants)
    grants.add_argument(
        "--output", default="", metavar="FICHIER", help="fichier à écrire (défaut : sortie standard)"
    )
    grants.add_argument("--check", action="store_true", help="vérifier les droits au lieu d'écrire le script")


def add_common(parser: argparse.ArgumentParser) -> None:
    """What both commands want."""
    parser.add_argument(
        "--platform", required=True, metavar="NOM|FICHIER", help="nom ou fichier TOML de la plateforme"
    )
    parser.add_argument(
        "--scenarios", default="", metavar="DOSSIER", help="autre dossier de scénarios que celui du projet"
    )
    parser.add_argument(
        "--manifest", default="", metavar="FICHIER", help="autre manifeste des droits que celui du projet"
    )


def scenarios_dir(options: argparse.Namespace) -> Path:
    """The folder of scenarios that counts."""
    from nonreg.plan import SCENARIOS_DIR

    folder = Path(options.scenarios) if options.scenarios else SCENARIOS_DIR
    if not folder.is_dir():
        raise UsageError(f"Dossier de scénarios introuvable : {folder}")
    return folder


def read_manifest(options: argparse.Namespace) -> Manifest:
    """The manifest that counts."""
    from nonreg.grants.manifest import MANIFEST, load_manifest

    return load_manifest(Path(options.manifest) if options.manifest else MANIFEST)


def run_discover(options: argparse.Namespace) -> int:
    """`discover`: read, compare, write what is new, tell."""
    from nonreg.clients.sql import open_session
    from nonreg.config import load_platform
    from nonreg.discovery.catalog import read_catalog, read_scope
    from nonreg.discovery.folder import FOLDER, write_proposals
    from nonreg.discovery.known import read_known
    from nonreg.discovery.numbering import allot
    from nonreg.discovery.proposals import discover
    from nonreg.discovery.summary import write_summary
    from nonreg.model import SiteRole

    platform, output = load_platform(options.platform), Path(options.output)
    manifest = read_manifest(options)
    known = read_known([output, scenarios_dir(options)])
    site = platform.site(SiteRole.ACTIF)
    assert site.database is not None  # checked when the file was read
    engine = site.database.engine
    with open_session(platform, site) as session:
        catalog = read_catalog(session)
    found = discover(catalog, known, engine, manifest.accounts_schema, read_scope(options.only))
    allotment = allot((draft.subject for draft in found.drafts), known.ids(), known.taken)
    write_proposals(found.drafts, allotment, engine, output)
    print(f"Base « {site.database.name} » de {site.code}")  # noqa: T201
    print(write_summary(found, allotment, output / FOLDER))  # noqa: T201
    return EXIT_INCOMPLETE if allotment.without else EXIT_OK


def run_grants(options: argparse.Namespace) -> int:
    """`grants`: the script, or the check."""
    from nonreg.config import load_platform
    from nonreg.grants.declared import read_declared
    from nonreg.plan import collect_scenarios, list_declared

    if options.check and options.output:
        raise UsageError("--output est le fichier du script : il ne va pas avec --check.")
    platform = load_platform(options.platform)
    folder, manifest = scenarios_dir(options), read_manifest(options)
    manifest = manifest.needed_for(list_declared(collect_scenarios(folder))).having(read_declared(folder))
    return (
        check_grants(platform, manifest)
        if options.check
        else write_grants(platform, manifest, options.output)
    )


def write_grants(platform: Platform, manifest: Manifest, output: str) -> int:
    """The script for the active site's accounts; the other sites' have the same names."""
    from nonreg.grants.effective import name_user
    from nonreg.grants.manifest import Account
    from nonreg.grants.script import ENGINE, Users, write_script
    from nonreg.model import SiteRole

    database = platform.site(SiteRole.ACTIF).database
    assert database is not None
    if database.engine != ENGINE:
        print(  # noqa: T201
            f"La base de cette plateforme est {database.engine} : script T-SQL montré pour relecture seulement.",
            file=sys.stderr,
        )
    names = {account: name_user(database, account) for account in Account}
    script = write_script(manifest, Users(names, database.name))
    if not output:
        print(script, end="")  # noqa: T201
        return EXIT_OK
    try:
        Path(output).write_text(script, encoding="utf-8", newline="\n")
    except OSError as error:
        raise NonregError(f"{output} : écriture impossible ({explain_os_error(error)}).") from error
    print(f"Script des droits : {output}, à relire puis à exécuter par un administrateur.")  # noqa: T201
    return EXIT_OK


def check_grants(platform: Platform, manifest: Manifest) -> int:
    """Ask each account on each site, one line for each finding."""
    from nonreg.grants.effective import check_account
    from nonreg.grants.manifest import Account

    is_right = True
    for site in platform.sites:
        for account in Account if site.database else ():
            try:
                judgement = check_account(platform, site, account, manifest)
            except PlatformError as error:
                print(f"{site.code} : droits du compte {ACCOUNTS[account]} non vérifiés. {error}")  # noqa: T201
                is_right = False
                continue
            print(f"{site.code} : {tell_judgement(judgement, ACCOUNTS[account])}")  # noqa: T201
            is_right = is_right and judgement.is_right
    return EXIT_OK if is_right else EXIT_INCOMPLETE


ACCOUNTS = {"reader": "de lecture", "writer": "d'écriture"}


def tell_judgement(judgement: Judgement, account: str) -> str:
    """A heading, then a line for each thing that is wrong."""
    if judgement.is_right:
        heading = f"compte {account} : exactement ce qu'il faut"
    else:
        missing = plural(len(judgement.missing), "droit manquant", "droits manquants")
        heading = f"compte {account} : {missing}, {len(judgement.beyond)} en trop"
    if judgement.tolerated:
        heading += f" ({plural(len(judgement.tolerated), 'droit toléré', 'droits tolérés')} par le manifeste)"
    lines = [
        *(f"manque : {one}" for one in judgement.missing),
        *(f"en trop : {one}" for one in judgement.beyond),
        *(f"non vérifié : {one}" for one in judgement.unseen),
    ]
    return "\n".join([heading, *(f"  {line}" for line in lines)])
