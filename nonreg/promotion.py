"""A finished run becomes a baseline: its content, and the sheet that the titulaire signs. Pure.

A baseline is immutable; each names the SHA-256 of the one before it, so that none goes away unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime
from typing import Any

from nonreg.compare import group_attempts, settle
from nonreg.decision import canonical_json
from nonreg.errors import UsageError
from nonreg.model import (
    Baseline,
    BaselineMeasure,
    BaselineResult,
    CampaignReport,
    Family,
    Measure,
    Outcome,
    Verdict,
)
from nonreg.slowness import MARGIN_BY_UNIT, MIN_SAMPLES

PROMOTABLE = (Verdict.OK, Verdict.OK_AVEC_RESERVES)
KEPT_SAMPLES = 30
# Known only once the decision is signed: not part of what is signed.
DECIDED_FIELDS = ("decision", "person", "role", "ticket", "reason", "promoted_at", "sha256")


def require_promotable(report: CampaignReport, now: datetime) -> None:
    """UsageError, in one sentence, for a run that may not become a reference now."""
    run, verdict = report.run, report.assessment.verdict
    if verdict not in PROMOTABLE:
        raise UsageError(
            f"Le passage {run.plan.run_id} est {verdict} : seul un passage OK, avec ou sans réserves, "
            "peut devenir la référence."
        )
    if run.ended_at is None or run.interruption:
        raise UsageError(f"Le passage {run.plan.run_id} n'est pas allé à son terme.")
    if run.started_at > now:
        raise UsageError(f"Le passage {run.plan.run_id} est daté du futur.")
    expired = [
        one.scenario_id
        for one in report.assessment.findings
        if one.outcome is Outcome.DEROGATION and (one.waiver is None or not one.waiver.is_in_force(now))
    ]
    if expired:
        raise UsageError(
            f"Le passage {run.plan.run_id} a des échecs dont la dérogation a expiré depuis : {', '.join(expired)}."
        )
    missing = [family.name for family in Family if family not in run.plan.families]
    if missing or run.plan.selection or run.plan.effects_left_out:
        partial = f"familles absentes : {', '.join(missing)}" if missing else f"« {run.plan.selection} »"
        partial = "lecture seule" if run.plan.effects_left_out else partial
        raise UsageError(
            f"Le passage {run.plan.run_id} est partiel ({partial}) : la référence perdrait des scénarios."
        )


def draft_baseline(report: CampaignReport, before: Baseline | None) -> Baseline:
    """The content of the next baseline, not yet decided by anybody."""
    plan = report.run.plan
    outcomes = {found.scenario_id: found.outcome for found in report.assessment.findings}
    final = {key: settle(attempts) for key, attempts in group_attempts(report.run.results).items()}
    past = {(one.scenario_id, one.name): one.values for one in report.basis.history.measures}
    results = tuple(
        BaselineResult(
            scenario.id,
            scenario.title,
            scenario.criticality,
            outcomes[scenario.id],
            final[scenario.id].duration_seconds if scenario.id in final else 0.0,
            tuple(
                keep_measure(one, past.get((scenario.id, one.name), ()))
                for one in final[scenario.id].measures
            )
            if scenario.id in final
            else (),
        )
        for scenario in plan.scenarios
    )
    return Baseline(
        number=before.number + 1 if before else 1,
        platform=plan.platform.name,
        application_version=plan.platform.application_version,
        run_id=plan.run_id,
        run_started_at=report.run.started_at,
        verdict=report.assessment.verdict,
        dataset=plan.platform.dataset,
        catalog=plan.catalog,
        files=report.basis.files,
        limits=plan.limits,
        results=results,
        facts=report.run.facts,
        previous=before.sha256 if before else "",
        reserves=report.assessment.reasons if report.assessment.verdict is not Verdict.OK else (),
    )


def keep_measure(measure: Measure, past: tuple[float | None, ...]) -> BaselineMeasure:
    """A figure with its values in the last good campaigns up to this one."""
    samples = (*(value for value in past if value is not None), measure.value)[-KEPT_SAMPLES:]
    return BaselineMeasure(measure.name, measure.value, measure.unit, measure.limit, samples)


def dump_content(baseline: Baseline) -> dict[str, Any]:
    """What is signed of a baseline, as plain JSON values."""
    from nonreg.store import dump_json

    data = json.loads(dump_json(Baseline, baseline))
    return {key: value for key, value in data.items() if key not in DECIDED_FIELDS}


def hash_content(content: Any) -> str:
    """SHA-256 of the content as it is written, whatever fields the model has had since."""
    return hashlib.sha256(canonical_json(content)).hexdigest()


def seal_line(content: Any) -> str:
    """The line of a sheet that binds it to the content; a signed sheet is known by it."""
    return f"Empreinte du contenu (SHA-256) : {hash_content(content)}"


def render_sheet(baseline: Baseline, before: Baseline | None) -> str:
    """The French text that the titulaire reads and signs; it names the hash of the whole content."""
    counts = Counter(result.outcome.value for result in baseline.results)
    lines = [
        "PROMOTION D'UNE RÉFÉRENCE DE NON-RÉGRESSION",
        "",
        f"Plateforme : {baseline.platform}",
        f"Version de l'application : {baseline.application_version}",
        f"Référence : n° {baseline.number}"
        + (f", succède à la n° {before.number} (version {before.application_version})" if before else ""),
        f"Passage : {baseline.run_id}, commencé le {baseline.run_started_at:%d/%m/%Y à %H:%M:%S UTC}",
        f"Verdict : {baseline.verdict.value}",
        *(f"  réserve : {reserve}" for reserve in baseline.reserves),
        f"Jeu de données : {baseline.dataset}",
        f"Scénarios : {len(baseline.results)} ({', '.join(f'{n} {word}' for word, n in counts.items())})",
        *([f"Catalogue de scénarios : {baseline.catalog}"] if baseline.catalog else []),
        f"Mesures de durée : {count_short_samples(baseline)}",
        "",
        *(
            list_changes(baseline, before)
            if before and before.catalog == baseline.catalog
            else ["Première référence de ces scénarios sur cette plateforme."]
        ),
        "",
        seal_line(dump_content(baseline)),
    ]
    return "\n".join(lines) + "\n"


def count_short_samples(baseline: Baseline) -> str:
    """How many times are kept with enough values to judge the next campaign by them."""
    times = [one for result in baseline.results for one in result.measures if one.unit in MARGIN_BY_UNIT]
    enough = sum(len(one.samples) >= MIN_SAMPLES for one in times)
    return f"{len(times)}, dont {enough} avec les {MIN_SAMPLES} valeurs qu'il faut pour juger (les autres suivront)"


def list_changes(baseline: Baseline, before: Baseline) -> list[str]:
    """What the promotion changes, one line each; it is said when nothing does."""
    old = {one.scenario_id: one.outcome.value for one in before.results}
    new = {one.scenario_id: one.outcome.value for one in baseline.results}
    old_limits = {one.name: one.value for one in before.limits}
    new_limits = {one.name: one.value for one in baseline.limits}
    moved = [
        f"{key} {old[key]} → {new[key]}" for key in sorted(old.keys() & new.keys()) if old[key] != new[key]
    ]
    limits = [
        f"{name} {old_limits.get(name, 'sans')} → {new_limits.get(name, 'sans')}"
        for name in sorted(old_limits.keys() | new_limits.keys())
        if old_limits.get(name) != new_limits.get(name)
    ]
    changes = {
        "Scénarios retirés": sorted(old.keys() - new.keys()),
        "Scénarios ajoutés": sorted(new.keys() - old.keys()),
        "Résultats changés": moved,
        "Limites changées": limits,
        "Fichiers de référence changés": sorted({name for name, _ in {*before.files} ^ {*baseline.files}}),
    }
    said = [f"{title} : {', '.join(what)}" for title, what in changes.items() if what]
    return said or [f"Aucun changement par rapport à la référence n° {before.number}."]
