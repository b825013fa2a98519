"""The loader of runbooks: each rule refuses in one French sentence, and facts stand where the file asks for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import ConfigError, UsageError
from nonreg.handover.runbook_file import (
    PLACEHOLDER,
    fill,
    find_problem,
    find_runbook,
    list_runbooks,
    load_runbook,
    read_facts,
    read_runbook,
)
from nonreg.model.handover import (
    Actor,
    CampaignStep,
    ClockMove,
    Field,
    FieldKind,
    Runbook,
    Step,
    StepKind,
)

PATH = Path("essai.toml")
HEAD = 'title = "Essai"\nsummary = "Un essai."\nversion = "1.0"\n'
CONFIRMED = """
[[steps]]
id = "E1"
title = "Première"
role = "titulaire"
kind = "confirmation"
instructions = "Faire."
evidence = "Fait."
"""
SECOND = CONFIRMED.replace("E1", "E2").replace("Première", "Seconde")
AUTOMATIC = SECOND.replace('"titulaire"', '"outil"').replace('"confirmation"', '"automatic"\ncheck = "ssh"')
CAMPAIGN = SECOND.replace('"titulaire"', '"outil"').replace(
    '"confirmation"', '"campaign"\ncampaign = { families = ["base"] }'
)


def read(text: str, facts: dict[str, str] | None = None) -> Runbook:
    return read_runbook(text, PATH, facts)


def make_step(step_id: str = "E1", **changes: object) -> Step:
    step = Step(step_id, "Une étape", Actor.TITULAIRE, StepKind.CONFIRMATION, "Faire.", "Fait.")
    return dataclasses.replace(step, **changes)  # type: ignore[arg-type]


def make_runbook(*steps: Step, **changes: object) -> Runbook:
    return dataclasses.replace(Runbook("essai", "Essai", "Un essai.", "1.0", steps), **changes)  # type: ignore[arg-type]


def test_a_sound_file_gives_its_steps_each_after_the_one_above() -> None:
    runbook = read(HEAD + CONFIRMED + AUTOMATIC + CAMPAIGN.replace("E2", "E3") + 'requires = ["E1"]\n')
    assert runbook.id == "essai"
    assert [(step.id, step.requires) for step in runbook.steps] == [
        ("E1", ()),
        ("E2", ("E1",)),
        ("E3", ("E1",)),
    ]
    assert len(runbook.sha256) == 64
    assert runbook.step("E3") is runbook.steps[2]
    assert runbook.step("E9") is None


def test_the_hash_is_of_the_file_whatever_the_site_tells() -> None:
    text = HEAD + CONFIRMED.replace("Faire.", "Appeler {{qui}}.")
    assert read(text).sha256 == read(text, {"qui": "le titulaire"}).sha256
    assert read(text).sha256 != read(text + "# relu\n").sha256


@pytest.mark.parametrize(
    ("runbook", "said"),
    [
        (make_runbook(make_step(), id="Essai"), "minuscules, chiffres et tirets"),
        (make_runbook(make_step(), id="e"), "minuscules, chiffres et tirets"),
        (make_runbook(), "au moins une étape"),
        (make_runbook(make_step("etape-1")), "s'écrit O1, A10, D3b"),
        (make_runbook(make_step("E١")), "s'écrit O1, A10, D3b"),
        (make_runbook(make_step(), make_step()), "étape E1 : deux étapes ont cet identifiant"),
        (make_runbook(make_step(requires=("E2",)), make_step("E2")), "après E2, qui n'est pas au-dessus"),
        (make_runbook(make_step(requires=("E1",))), "après E1, qui n'est pas au-dessus"),
        (make_runbook(make_step(role=Actor.OUTIL)), "« outil » ne va pas avec kind « confirmation »"),
        (
            make_runbook(make_step(kind=StepKind.AUTOMATIC, check="ssh")),
            "« titulaire » ne va pas avec kind « automatic »",
        ),
        (make_runbook(make_step(check="ssh")), "check va avec kind « automatic »"),
        (make_runbook(make_step(role=Actor.OUTIL, kind=StepKind.AUTOMATIC)), "check va avec kind"),
        (make_runbook(make_step(campaign=CampaignStep(("base",)))), "campaign va avec kind « campaign »"),
        (make_runbook(make_step(role=Actor.OUTIL, kind=StepKind.CAMPAIGN)), "campaign va avec kind"),
        (
            make_runbook(
                make_step(
                    role=Actor.OUTIL, kind=StepKind.AUTOMATIC, check="ssh", fields=(Field("vu_le", "Vu le"),)
                )
            ),
            "seule une personne remplit un formulaire",
        ),
        (make_runbook(make_step(deadline_hours=0)), "un nombre d'heures ouvrées"),
        (make_runbook(make_step(deadline_hours=-1)), "un nombre d'heures ouvrées"),
        (make_runbook(make_step(fields=(Field("vu", "Vu"), Field("vu", "Revu")))), "deux champs"),
        (make_runbook(make_step(fields=(Field("Vu", "Vu"),))), "champ « Vu » : minuscules"),
        (make_runbook(make_step(fields=(Field("vu", "Vu", FieldKind.CHOICE),))), "options va avec un choix"),
        (make_runbook(make_step(fields=(Field("vu", "Vu", options=("a",)),))), "options va avec un choix"),
        (make_runbook(make_step(clock=ClockMove.STOP)), "part une fois, puis s'arrête une fois"),
        (
            make_runbook(make_step(clock=ClockMove.START), make_step("E2", clock=ClockMove.START)),
            "part une fois, puis s'arrête une fois",
        ),
        (
            make_runbook(make_step(clock=ClockMove.STOP), make_step("E2", clock=ClockMove.START)),
            "part une fois, puis s'arrête une fois",
        ),
        (make_runbook(make_step(), delay_hours=48), "delay_hours demande une étape"),
    ],
)
def test_each_rule_refuses_in_one_sentence(runbook: Runbook, said: str) -> None:
    problem = find_problem(runbook)
    assert said in problem
    assert "\n" not in problem
    assert not problem.endswith(".")


@pytest.mark.parametrize(
    "runbook",
    [
        make_runbook(make_step()),
        make_runbook(make_step("D3b"), make_step("D4", requires=("D3b",))),
        make_runbook(make_step(clock=ClockMove.START), delay_hours=48),
        make_runbook(make_step(clock=ClockMove.START), make_step("E2", clock=ClockMove.STOP)),
        make_runbook(make_step(fields=(Field("vu", "Vu", FieldKind.CHOICES, options=("a", "b")),))),
        make_runbook(make_step(role=Actor.OUTIL, kind=StepKind.CAMPAIGN, campaign=CampaignStep(("hd",)))),
        make_runbook(make_step(deadline_hours=1)),
    ],
)
def test_what_breaks_no_rule_is_taken(runbook: Runbook) -> None:
    assert find_problem(runbook) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + CONFIRMED + CONFIRMED, "deux étapes ont cet identifiant"),
        (HEAD + CONFIRMED + 'couleur = "bleu"\n', r"« steps.0.couleur », ligne 12 : clé inconnue"),
        (HEAD + CONFIRMED + SECOND + 'couleur = "bleu"\n', r"« steps.1.couleur », ligne 20 : clé inconnue"),
        ('couleur = "bleu"\n' + HEAD + CONFIRMED, r"« couleur », ligne 1 : clé inconnue"),
        (HEAD + 'sha256 = "00"\n' + CONFIRMED, "clé « sha256 » inconnue"),
        (HEAD + 'unknown = ["x"]\n' + CONFIRMED, "clé « unknown » inconnue"),
        (
            HEAD + CONFIRMED.replace('role = "titulaire"', 'role = "chef"'),
            r"ligne 8 : valeur « chef » refusée",
        ),
        (HEAD + CONFIRMED.replace('evidence = "Fait."\n', ""), "« steps.0.evidence », ligne 5 : .* absente"),
        (HEAD + CONFIRMED + "deadline_hours = 1.5\n", "ligne 12 : il faut un nombre entier"),
        (HEAD + CAMPAIGN.replace('["base"]', '["base"], mode = "x"'), r"« steps.0.campaign.mode », ligne"),
        (HEAD + 'id = "Autre"\n' + CONFIRMED, "id « Autre » : minuscules"),
        (HEAD + "steps = []\n", "au moins une étape"),
        (HEAD + '[[steps]\nid = "E1"\n', "TOML mal formé, ligne 4"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_name_and_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith("essai.toml : ")
    assert message.endswith(".")
    assert "\n" not in message


def test_an_unknown_runbook_is_refused_with_those_that_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NONREG_RUNBOOKS", str(tmp_path))
    (tmp_path / "un.toml").write_text(HEAD + CONFIRMED, encoding="utf-8")
    assert "un" in list_runbooks()
    assert find_runbook("un").id == "un"
    with pytest.raises(UsageError, match=r"Runbook inconnu : « \.\./un » \(connus : acces, .*tests, un\)\."):
        find_runbook("../un")


def test_a_runbook_of_the_site_takes_the_place_of_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests.toml").write_text(HEAD + CONFIRMED, encoding="utf-8")
    monkeypatch.setenv("NONREG_RUNBOOKS", str(tmp_path))
    assert find_runbook("tests").title == "Essai"
    monkeypatch.delenv("NONREG_RUNBOOKS")
    assert find_runbook("tests").title != "Essai"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "essai.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_runbook(file)


def test_facts_stand_in_their_places_and_what_is_missing_stays_visible() -> None:
    text = HEAD + CONFIRMED.replace(
        "Faire.", "Appeler {{ la permanence }} puis {{l'hébergeur}}, {{l'hébergeur}}."
    )
    runbook = read(text, {"la permanence": "la ligne d'essai"})
    assert runbook.steps[0].instructions == (
        "Appeler la ligne d'essai puis ‹à compléter : l'hébergeur›, ‹à compléter : l'hébergeur›."
    )
    assert runbook.unknown == ("l'hébergeur",)


# What a person would write: letters, spaces and accents, no braces.
NAMES = st.from_regex(r"[a-zéèàç'][a-zéèàç' ]{0,12}[a-zéèàç]", fullmatch=True)
PLAIN = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.tuples(PLAIN, NAMES), max_size=5), PLAIN, st.dictionaries(NAMES, PLAIN, max_size=5))
def test_a_told_placeholder_never_stays_and_an_untold_one_is_always_noted(
    parts: list[tuple[str, str]], end: str, facts: dict[str, str]
) -> None:
    text = "".join(f"{before}{{{{{name}}}}}" for before, name in parts) + end
    unknown: dict[str, None] = {}
    filled = fill({"a": [text]}, facts, unknown)["a"][0]
    assert not PLACEHOLDER.search(filled)
    assert (
        filled == "".join(before + facts.get(name, f"‹à compléter : {name}›") for before, name in parts) + end
    )
    assert list(unknown) == list(dict.fromkeys(name for _, name in parts if name not in facts))


TREES = st.recursive(
    st.one_of(PLAIN, st.integers(), st.booleans(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(PLAIN, inner, max_size=3)),
    max_leaves=8,
)


@given(TREES, st.dictionaries(NAMES, PLAIN, max_size=3))
def test_what_holds_no_placeholder_is_never_changed(value: object, facts: dict[str, str]) -> None:
    unknown: dict[str, None] = {}
    assert fill(value, facts, unknown) == value
    assert unknown == {}


@pytest.mark.parametrize("text", ["{{}}", "{{ }", "{a}", "@{ N = 1 }", "{{a\nb}}", "{{a{b}}", "}}a{{"])
def test_braces_that_are_no_placeholder_stay_as_they_are(text: str) -> None:
    unknown: dict[str, None] = {}
    assert fill(text, {"a": "x"}, unknown) == text
    assert unknown == {}


def test_a_site_without_a_file_tells_nothing(tmp_path: Path) -> None:
    assert read_facts(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[facts]\nqui = 3\n", "clé « qui » : un texte non vide"),
        ('[facts]\nqui = "  "\n', "clé « qui » : un texte non vide"),
        ('[autre]\nqui = "x"\n', r"seule la table \[facts\]"),
        ('facts = "x"\n', r"seule la table \[facts\]"),
        ('[facts]\nqui = "x"\nqui = "y"\n', "TOML mal formé"),
    ],
)
def test_a_file_of_facts_that_is_wrong_is_refused_in_one_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        read_facts(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "site.toml"))
    assert "\n" not in str(caught.value)


def test_facts_are_read_by_the_words_of_the_runbooks(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[facts]\n"l\'hôte" = "srv-a"\n', encoding="utf-8")
    assert read_facts(tmp_path) == {"l'hôte": "srv-a"}
