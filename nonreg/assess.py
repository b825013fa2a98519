"""The judgement, pure: the same recorded run and basis always give the same verdict.

Invariants: the worst wins; the order of results is irrelevant; a missing or broken scenario never
improves a verdict; an expired waiver never helps; a campaign in which nothing ran is never OK.
Source: DOMAIN §2.5.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from nonreg.compare import (
    Past,
    choose_waiver,
    compare,
    compare_files,
    compare_limits,
    compare_scenarios,
    find_no_longer_checked,
    find_removed,
    group_attempts,
    read_past,
    settle,
)
from nonreg.model import (
    Assessment,
    Basis,
    CampaignRun,
    Change,
    Criticality,
    Finding,
    Outcome,
    Verdict,
)
from nonreg.slowness import (
    find_general_slowdown,
    find_machine_factor,
    find_past_factors,
    find_slow,
    find_slow_before,
    make_bounds,
)

UNJUDGED = (Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)


def assess(run: CampaignRun, basis: Basis) -> Assessment:
    """Findings in plan order, the verdict and its reasons in French."""
    attempts = group_attempts(run.results)
    final = {scenario_id: settle(results) for scenario_id, results in attempts.items()}
    bounds = make_bounds(basis.baseline, basis.times)
    good = {one.scenario_id: one.measures for one in final.values() if one.outcome.is_passed}
    taken = {(key, one.name): one.value for key, measures in good.items() for one in measures}
    factor = find_machine_factor(taken, bounds)
    factors_before = find_past_factors(basis.history, bounds)
    slow = find_slow(good, bounds, factor or 1.0)
    slow_before = find_slow_before(basis.history, bounds, factors_before)
    past = read_past(basis)
    findings = tuple(
        compare(
            scenario.id,
            attempts.get(scenario.id, ()),
            past.get(scenario.id, Past()),
            choose_waiver(basis.waivers, scenario.id),
            run,
            slow.get(scenario.id, ()),
            tuple(one for one in slow.get(scenario.id, ()) if (scenario.id, one.name) in slow_before),
        )
        for scenario in run.plan.scenarios
    )
    draft = Assessment(
        Verdict.OK,
        (),
        findings,
        removed=find_removed(run.plan, basis),
        limit_changes=compare_limits(run.plan, basis),
        reference_changes=compare_files(basis),
        machine_factor=factor or 1.0,
        scenario_changes=compare_scenarios(run, basis),
    )
    return conclude(run, basis, draft, find_general_slowdown(factor, factors_before))


def conclude(run: CampaignRun, basis: Basis, draft: Assessment, general_slowdown: float) -> Assessment:
    """The verdict and its reasons, worst first, from the findings and what surrounds them."""
    reasons = [
        *judge_run(run, draft.findings),  # why nothing was judged comes before what was not
        *judge_findings(draft.findings, {one.id: one.criticality for one in run.plan.scenarios}),
        *judge_closing(run),
        *judge_coverage(run, basis, draft),
        *judge_reference(run, basis, draft, general_slowdown),
    ]
    reasons.sort(key=lambda reason: -reason[0].severity)
    verdict = reasons[0][0] if reasons else Verdict.OK
    reserves = tuple(sentence for severity, sentence in reasons if severity is Verdict.OK_AVEC_RESERVES)
    if not reasons:
        executed = sum(one.outcome.is_executed for one in draft.findings)
        reasons.append((Verdict.OK, f"{executed} scénario(s) exécuté(s), aucun écart."))
    said = tuple(sentence for _, sentence in reasons)
    return dataclasses.replace(draft, verdict=verdict, reasons=said, reserves=reserves)


Reason = tuple[Verdict, str]


def list_ids(verdict: Verdict, sentence: str, ids: Iterable[str]) -> list[Reason]:
    """One reason that counts and names, none when there is nobody to name."""
    named = list(ids)
    return [(verdict, f"{len(named)} {sentence} : {', '.join(named)}.")] if named else []


def judge_findings(findings: tuple[Finding, ...], criticality: Mapping[str, Criticality]) -> list[Reason]:
    """Reasons that come from scenarios, one by one."""

    def named(*outcomes: Outcome, minor: bool | None = None) -> list[str]:
        return [
            one.scenario_id
            for one in findings
            if one.outcome in outcomes
            and (minor is None or (criticality[one.scenario_id] is Criticality.MINEURE) is minor)
        ]

    def changed(change: Change) -> list[str]:
        return [one.scenario_id for one in findings if one.change is change and one.outcome is not Outcome.KO]

    failed = [one for one in findings if one.outcome is Outcome.KO]
    regressed = [one.scenario_id for one in failed if one.change is Change.REGRESSION]
    expired = [f"{one.scenario_id} ({one.waiver.ticket})" for one in failed if one.waiver]
    return [
        *list_ids(Verdict.KO, "scénario(s) KO", (one.scenario_id for one in failed)),
        *list_ids(Verdict.KO, "régression(s), bon(s) auparavant et en échec maintenant", regressed),
        *list_ids(Verdict.KO, "dérogation(s) expirée(s)", expired),
        *list_ids(
            Verdict.INCOMPLET,
            "scénario(s) bloquant(s) ou majeur(s) non jugé(s)",
            named(*UNJUDGED, minor=False),
        ),
        *list_ids(
            Verdict.OK_AVEC_RESERVES, "scénario(s) mineur(s) non jugé(s)", named(*UNJUDGED, minor=True)
        ),
        *list_ids(Verdict.OK_AVEC_RESERVES, "dérogation(s) en vigueur", named(Outcome.DEROGATION)),
        *list_ids(Verdict.OK_AVEC_RESERVES, "scénario(s) instable(s)", changed(Change.UNSTABLE)),
        *list_ids(Verdict.OK_AVEC_RESERVES, "scénario(s) plus lent(s)", changed(Change.SLOWER)),
    ]


def judge_run(run: CampaignRun, findings: tuple[Finding, ...]) -> list[Reason]:
    """Reasons that come from how the run went as a whole."""
    reasons = []
    refused = any(guard.status.stops for guard in run.guards)
    if refused:
        reasons.append(run.interruption or "Des gardes ne sont pas levées.")
    if not findings:
        reasons.append("Aucun scénario prévu.")
    elif not any(one.outcome.is_executed for one in findings):
        reasons.append("Aucun scénario n'a rien vérifié.")
    if run.interruption and not refused:
        reasons.append(run.interruption)
    if run.ended_at is not None and run.pytest_exit not in (0, 1) and not refused and not run.interruption:
        reasons.append(f"pytest s'est terminé avec le code {run.pytest_exit}.")
    recorded = any(not one.outcome.is_good for one in run.results) or any(
        one.change is Change.MISSING for one in findings
    )
    if run.pytest_exit == 1 and not recorded:
        reasons.append("pytest signale un échec qu'aucun scénario n'a enregistré.")
    return [(Verdict.INCOMPLET, sentence) for sentence in reasons]


def judge_closing(run: CampaignRun) -> list[Reason]:
    """Reasons that come from the checks after drills, and from what was restored outside them.

    A check that is KO after the drills means a platform that is not left as found, unless it was KO before them in
    this very run, and is judged there. One without a result is not judged.
    """
    restored = [(Verdict.OK_AVEC_RESERVES, sentence) for sentence in run.healed]
    if not run.plan.drills or not (run.results or run.closing):  # nothing was begun: nothing was broken
        return restored
    closing = {key: settle(results) for key, results in group_attempts(run.closing).items()}
    before = {key: settle(results).outcome for key, results in group_attempts(run.results).items()}
    bad: list[str] = []
    unjudged: list[str] = []
    known: list[str] = []
    for scenario in run.plan.closing:
        result = closing.get(scenario.id)
        if result is None or result.outcome in UNJUDGED:
            unjudged.append(scenario.id)
        elif not result.outcome.is_good:
            (known if before.get(scenario.id) is Outcome.KO else bad).append(scenario.id)
    said = "contrôle(s) final(s) KO, plateforme non laissée comme trouvée"
    missing = [] if run.plan.closing else [(Verdict.INCOMPLET, "Aucun contrôle final n'était prévu.")]
    return [
        *list_ids(Verdict.KO, said, bad),
        *list_ids(Verdict.INCOMPLET, "contrôle(s) final(s) non jugé(s)", unjudged),
        *missing,
        *list_ids(Verdict.OK_AVEC_RESERVES, "contrôle(s) final(s) KO comme avant les exercices", known),
        *restored,
    ]


def judge_coverage(run: CampaignRun, basis: Basis, draft: Assessment) -> list[Reason]:
    """Reasons that come from what the baseline checked and this campaign does not.

    Like a scenario that is missing, a major one that was taken away leaves the campaign incomplete, until a
    signed waiver accepts it.
    """
    if basis.baseline is None:
        return []
    criticality = {one.scenario_id: one.criticality for one in basis.baseline.results}
    waived = {one.scenario_id for one in basis.waivers if one.is_in_force(run.plan.created_at)}
    groups: dict[tuple[Verdict, str], list[str]] = {}
    for scenario_id in draft.removed:
        if scenario_id in waived:
            key = (Verdict.OK_AVEC_RESERVES, "scénario(s) de la référence retiré(s) du plan par dérogation")
        elif criticality[scenario_id] is Criticality.MINEURE:
            key = (Verdict.OK_AVEC_RESERVES, "scénario(s) mineur(s) de la référence absent(s) du plan")
        else:
            key = (
                Verdict.INCOMPLET,
                "scénario(s) bloquant(s) ou majeur(s) de la référence absent(s) du plan",
            )
        groups.setdefault(key, []).append(scenario_id)
    reasons = [reason for (verdict, said), ids in groups.items() for reason in list_ids(verdict, said, ids)]
    unchecked = find_no_longer_checked(draft.findings, basis)
    said = "scénario(s) jugé(s) dans la référence et plus maintenant"
    return [*reasons, *list_ids(Verdict.OK_AVEC_RESERVES, said, unchecked)]


def judge_reference(
    run: CampaignRun, basis: Basis, draft: Assessment, general_slowdown: float
) -> list[Reason]:
    """Reasons that come from the reference: none, of something else, or moved since its promotion."""
    baseline, platform = basis.baseline, run.plan.platform
    said = list(basis.warnings)
    if baseline is None:
        said.append("Aucune référence promue : seules les campagnes passées sont comparées.")
    else:
        if baseline.application_version != platform.application_version:
            said.append(
                f"La référence est de la version {baseline.application_version} : "
                f"aucune n'est promue pour la {platform.application_version}."
            )
        if baseline.dataset != platform.dataset:
            said.append(f"La référence est du jeu de données {baseline.dataset}, pas de {platform.dataset}.")
    reserve = Verdict.OK_AVEC_RESERVES
    reasons = [(reserve, sentence) for sentence in said]
    limits = (one.name for one in draft.limit_changes)
    reasons += list_ids(reserve, "limite(s) changée(s) depuis la promotion", limits)
    moved = draft.reference_changes
    reasons += list_ids(reserve, "fichier(s) de référence changé(s) depuis la promotion", moved)
    changes = draft.scenario_changes
    reasons += list_ids(reserve, "changement(s) dans les scénarios depuis la promotion", changes)
    if general_slowdown > 1:
        shown = f"{general_slowdown:.1f}".replace(".", ",")
        reasons.append((reserve, f"Ralentissement général, deux campagnes de suite : × {shown}."))
    return reasons
