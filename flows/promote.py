"""A finished run becomes the baseline, by a decision that the titulaire signed beforehand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.forms import name_field
from nonreg.config import load_platform
from nonreg.decision import load_signed
from tasks.promotion import Candidate, load_candidate, promote
from tasks.showing import finish_showing, keep_secrets_of, show_markdown
from tasks.tracking import require_open_ticket, telling_tickets


@task(name="1 - Relire et juger de nouveau le passage", cache_policy=NO_CACHE)
def load_candidate_stage(run: str, platform: str) -> Candidate:
    """The run as published, judged again; fails when it may not be promoted."""
    loaded = load_platform(platform)
    keep_secrets_of(loaded)
    return load_candidate(Path(run), loaded, datetime.now(UTC))


@task(name="2 - Verifier la decision et inscrire la reference", cache_policy=NO_CACHE)
def promote_stage(candidate: Candidate, decision: str, runs_dir: Path) -> Path:
    """Verify the signature against the run, record it in the ledger, write the file to review."""
    signed = load_signed(Path(decision))
    if unverified := require_open_ticket(candidate.platform, signed.decision.ticket):
        get_run_logger().warning(unverified)
    path = promote(candidate, signed, runs_dir, datetime.now(UTC))
    show_markdown(
        f"reference-{candidate.baseline.number:04d}",
        f"```\n{candidate.sheet}```\n\nFichier à relire et à valider dans git : `{path}`\n",
        f"Référence n° {candidate.baseline.number}",
    )
    finish_showing()
    return path


@flow(name="promotion", flow_run_name="PROMOTION {run}", persist_result=False)
def promote_baseline(
    run: Annotated[str, name_field("Passage")],
    decision: Annotated[str, name_field("Décision signée")],
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
) -> str:
    """Fait d'un passage la référence de sa plateforme et de sa version.

    La décision se prépare et se signe dans un terminal : python -m nonreg promote, puis sign.

    Args:
        run: Dossier du passage, par exemple runs/20261123T160911Z-embarquee-1141f2.
        decision: Décision signée du titulaire (.signed.json).
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
    """
    with telling_tickets(platform, Path(run).parent, get_run_logger().info):
        path = promote_stage(load_candidate_stage(run, platform), decision, Path(run).parent)
    get_run_logger().info("Référence écrite : %s", path)
    return f"Référence écrite, à relire et à valider dans git : {path}"
