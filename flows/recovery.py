"""« Plateforme laissée comme trouvée » : ce que des campagnes mortes ont laissé, repris jusqu'au bout.

Asked for when a worker starts, and a few times a day: what a killed worker or a machine that stopped left is put back
without anybody. It touches nothing of a campaign that lives, and takes no lock of a platform on which nothing is to be
put back.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from flows.forms import name_field
from nonreg.errors import NonregError
from nonreg.orphans import list_lives
from nonreg.working_time import PARIS
from tasks.recovery import Recovered, heal_platform, recover_run, settle_lost
from tasks.showing import clean_errors, redact
from tasks.tracking import telling_tickets


class NotPutBack(NonregError):
    """Something is left that needs a person, or a server that answers."""


@task(name="1 - Guerir la plateforme", cache_policy=NO_CACHE)
@clean_errors()
def heal_stage(platform: str) -> tuple[str, ...]:
    """What drills of dead campaigns left broken; the sentences of what was done."""
    return heal_platform(platform)


@task(name="2 - Reprendre les passages", cache_policy=NO_CACHE)
@clean_errors()
def recover_stage(runs_dir: Path) -> tuple[Recovered, ...]:
    """Each orphan of the folder, oldest first."""
    found = (recover_run(run_dir) for run_dir in list_lives(runs_dir))
    return tuple(one for one in found if one is not None)


@task(name="3 - Marquer les campagnes perdues", cache_policy=NO_CACHE)
@clean_errors()
def settle_stage(runs_dir: Path) -> tuple[str, ...]:
    """Flow runs that died before anything of them was on the disk; their names."""
    return settle_lost("campagne", runs_dir)


def name_run() -> str:
    """Readable name of the flow run: `REPRISE 2026-11-23 embarquee`."""
    day = datetime.now(PARIS).date()
    return f"REPRISE {day} {Path(runtime.flow_run.parameters['platform']).stem}"


@flow(name="reprise", flow_run_name=name_run, persist_result=False)
def recovery(
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
) -> str:
    """Laisse la plateforme comme elle a été trouvée après un arrêt brutal.

    Guérit ce qu'une campagne morte avait cassé, retire ses données d'essai, juge et publie ce qu'elle a enregistré,
    et dit dans Prefect ce qu'elle est devenue. Ne touche jamais à une campagne en cours.

    Args:
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        runs_dir: Dossier des passages.
    """
    folder = Path(runs_dir)
    with telling_tickets(platform, folder, get_run_logger().info):
        recovered = recover_stage(folder)
    healed = heal_stage(platform)
    lost = settle_stage(folder)
    said = [f"{one.run_dir.name} : {one.message}" for one in recovered]
    said += [*healed, *(f"Perdue : {name}" for name in lost)]
    for sentence in said:
        get_run_logger().info(sentence)
    problems = [problem for one in recovered for problem in one.problems]
    if problems:
        raise NotPutBack(redact(" ".join(problems)))
    return redact(" ".join(said)) or "Rien à reprendre."
