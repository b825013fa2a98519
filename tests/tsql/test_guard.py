"""The guard of SQL scenarios beside Microsoft's parser: in what it accepts, that one sees nothing that writes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.discovery.reading import refuse_body
from nonreg.sqlfiles.guard import check_read_only
from tests.discovered import procedure
from tests.test_sqlfile_guard import VOUCHED
from tests.tsql.batches import HEADINGS, NESTED, READING, WRITING, composed, spoilt
from tests.tsql.scriptdom import PARSERS, Node, SyntaxRefused, parse
from tests.tsql.texts import list_all
from tests.tsql.writing import find_writes

pytestmark = pytest.mark.tsql
thorough = settings(max_examples=1500, deadline=None)
# The guard refuses them, and this parser cannot say why.
NOT_SEEN = {
    "RECEIVE TOP (1) * FROM dbo.file": "a reserved name without brackets: no version reads it",
    "{ CALL nr.usp_autre }": "what the driver translates, no T-SQL",
    "EXEC cfg.usp_liste AT autre": "AT wants parentheses: no version reads it",
    "SELECT dbo.xp_ecrire(1) AS a": "a function, and none is in the language that writes",
}


def accept(text: str) -> bool:
    """Whether the guard lets a text be sent as a reading."""
    return check_read_only(text, "mssql", VOUCHED) == ""


def try_parse(text: str) -> Node | None:
    """Its tree; None for a text that does not parse, because something may not stand where it was put."""
    try:
        return parse(text)
    except SyntaxRefused:
        return None


def see_writes(text: str) -> list[str]:
    """What any version of the parser sees in a text that writes; of one that none reads, the server runs nothing."""
    found = []
    for version in PARSERS:
        try:
            found += find_writes(parse(text, version), frozenset(VOUCHED))
        except SyntaxRefused:
            continue
    return found


@pytest.mark.parametrize("text", READING)
def test_nothing_that_writes_is_seen_in_what_reads(text: str) -> None:
    assert find_writes(parse(text), frozenset(VOUCHED)) == []


@pytest.mark.parametrize("text", [one for one in WRITING if one not in NOT_SEEN])
def test_what_writes_is_seen_wherever_it_is_hidden(text: str) -> None:
    trees = [tree for place in NESTED if (tree := try_parse(place.replace("%", text))) is not None]
    assert trees != []
    assert [tree for tree in trees if find_writes(tree, frozenset(VOUCHED)) == []] == []


@pytest.mark.parametrize("text", [one for one in WRITING if one in NOT_SEEN])
def test_what_is_told_not_to_be_seen_is_not(text: str) -> None:
    tree = try_parse(text)
    assert tree is None or find_writes(tree, frozenset(VOUCHED)) == []


@pytest.mark.parametrize(
    "text", ["nr.usp_autre", "sp_configure 'x', 1", "-- x\n[nr].usp_autre @p = 1 SELECT 1"]
)
def test_a_procedure_that_is_called_without_exec_is_seen(text: str) -> None:
    assert find_writes(parse(text), frozenset(VOUCHED)) != []


@pytest.mark.parametrize("text", WRITING)
def test_the_guard_refuses_what_writes_wherever_it_is_hidden(text: str) -> None:
    assert [
        place for place in NESTED if accept(hidden := place.replace("%", text)) and see_writes(hidden)
    ] == []


def test_what_the_guard_accepts_of_our_own_texts_does_not_write() -> None:
    accepted = {label: text for label, text in list_all().items() if accept(text)}
    assert len(accepted) > 100
    assert {label: seen for label, text in accepted.items() if (seen := see_writes(text))} == {}


@thorough
@given(composed(READING + WRITING))
def test_a_batch_that_the_guard_accepts_does_not_write(text: str) -> None:
    assert not accept(text) or see_writes(text) == []


@thorough
@given(spoilt(READING))
def test_reads_that_are_spoilt_and_that_the_guard_accepts_do_not_write(text: str) -> None:
    assert not accept(text) or see_writes(text) == []


@thorough
@given(spoilt(READING + WRITING))
def test_writes_that_are_spoilt_and_that_the_guard_accepts_do_not_write(text: str) -> None:
    assert not accept(text) or see_writes(text) == []


@thorough
@given(st.sampled_from(HEADINGS), composed(READING + WRITING))
def test_a_procedure_that_discovery_proposes_does_not_write(heading: str, body: str) -> None:
    definition = heading + body
    tree = try_parse(definition)
    if tree is None or refuse_body(procedure("p", definition), "mssql", frozenset(VOUCHED)):
        return
    assert [one for batch in tree.get("Batches")[1:] for one in batch.get("Statements")] == []
    (created,) = tree.get("Batches")[0].get("Statements")
    assert created.kind in ("CreateProcedureStatement", "CreateOrAlterProcedureStatement")
    assert find_writes(created.get("StatementList"), frozenset(VOUCHED)) == []
