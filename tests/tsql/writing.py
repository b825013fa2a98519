"""What a batch does beyond reading, told from ScriptDom's tree alone: the second opinion on the guard of SQL scenarios.

It shares nothing with the guard, neither code nor method: every class of the tree has to be in a list of those that
only read, and the few that may also write are looked at where they stand. A class that nobody put there is a write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.tsql.scriptdom import Node


def list_words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


STATEMENTS = list_words(
    """
    SelectStatement DeclareVariableStatement DeclareTableVariableStatement SetVariableStatement
    PredicateSetStatement SetCommandStatement SetTransactionIsolationLevelStatement IfStatement WhileStatement
    BeginEndBlockStatement TryCatchStatement ThrowStatement RaiseErrorStatement PrintStatement ReturnStatement
    BreakStatement ContinueStatement InsertStatement UpdateStatement DeleteStatement ExecuteStatement
    """
)
VALUES = list_words(
    """
    AtTimeZoneCall BinaryExpression BinaryLiteral BooleanBinaryExpression BooleanComparisonExpression
    BooleanIsNullExpression BooleanNotExpression BooleanParenthesisExpression BooleanTernaryExpression CastCall
    CoalesceExpression ColumnReferenceExpression ConvertCall DefaultLiteral ExistsPredicate FullTextPredicate
    FunctionCall GlobalVariableExpression IIfCall IdentifierLiteral InPredicate IntegerLiteral LeftFunctionCall
    LikePredicate MaxLiteral MoneyLiteral NullIfExpression NullLiteral NumericLiteral ParameterlessCall
    ParenthesisExpression ParseCall PartitionFunctionCall RealLiteral RightFunctionCall RowValue ScalarSubquery
    SearchedCaseExpression SearchedWhenClause SimpleCaseExpression SimpleWhenClause StringLiteral
    SubqueryComparisonPredicate TSEqualCall UpdateCall UserDefinedTypePropertyAccess GraphMatchPredicate
    GraphMatchExpression GraphMatchCompositeExpression GraphMatchNodeExpression GraphMatchLastNodePredicate
    GraphMatchRecursivePredicate GraphRecursiveMatchQuantifier TryCastCall TryConvertCall TryParseCall
    UnaryExpression VariableReference
    """
)
# Of the sources, none on another server, and no DELETE … OUTPUT in a FROM (DataModificationTableReference).
SOURCES = list_words(
    """
    BuiltInFunctionTableReference FullTextTableReference GlobalFunctionTableReference InlineDerivedTable
    JoinParenthesisTableReference NamedTableReference OpenJsonTableReference PivotedTableReference QualifiedJoin
    QueryDerivedTable SchemaObjectFunctionTableReference UnpivotedTableReference UnqualifiedJoin
    VariableMethodCallTableReference VariableTableReference ChangeTableChangesTableReference
    ChangeTableVersionTableReference SemanticTableReference
    """
)
PARTS = list_words(
    """
    TSqlScript TSqlBatch StatementList BinaryQueryExpression QueryParenthesisExpression QuerySpecification
    CommonTableExpression WithCtesAndXmlNamespaces SelectScalarExpression SelectSetVariable SelectStarExpression
    TopRowFilter FromClause WhereClause HavingClause GroupByClause ExpressionGroupingSpecification
    RollupGroupingSpecification CubeGroupingSpecification GroupingSetsGroupingSpecification
    GrandTotalGroupingSpecification CompositeGroupingSpecification OrderByClause ExpressionWithSortOrder
    OffsetClause OverClause WindowFrameClause WindowDelimiter WithinGroupClause TableSampleClause TemporalClause
    XmlForClause XmlForClauseOption JsonForClause JsonForClauseOption XmlNamespaces XmlNamespacesAliasElement
    XmlNamespacesDefaultElement SchemaDeclarationItemOpenjson ColumnDefinitionBase OptimizerHint
    LiteralOptimizerHint OptimizeForOptimizerHint VariableValuePair UseHintList LiteralTableHint
    TableHintsOptimizerHint ComputeClause ComputeFunction ColumnStorageOptions TableHint IndexTableHint
    ForceSeekTableHint Identifier IdentifierOrValueExpression MultiPartIdentifier MultiPartIdentifierCallTarget
    ExpressionCallTarget SchemaObjectName SqlDataTypeReference UserDataTypeReference XmlDataTypeReference
    DeclareVariableElement DeclareTableVariableBody TableDefinition ColumnDefinition
    NullableConstraintDefinition DefaultConstraintDefinition UniqueConstraintDefinition
    CheckConstraintDefinition IdentityOptions IndexStateOption IgnoreDupKeyIndexOption IndexExpressionOption
    ColumnWithSortOrder IndexDefinition IndexType TableNonClusteredIndexType TableClusteredIndexType
    InsertSpecification ValuesInsertSource SelectInsertSource ExecuteInsertSource UpdateSpecification
    AssignmentSetClause DeleteSpecification OutputClause OutputIntoClause ExecuteSpecification
    ExecutableProcedureReference ExecuteParameter ProcedureReferenceName ProcedureReference ExecuteOption
    ResultSetsExecuteOption InlineResultSetDefinition ResultColumnDefinition UserDefinedTypeCallTarget
    GeneralSetCommand FunctionCallSetClause BrowseForClause DataCompressionOption
    """
)
KNOWN = STATEMENTS | VALUES | SOURCES | PARTS
# Those that neither write nor keep a writer waiting.
HINTS = list_words(
    """
    NoLock ReadUncommitted ReadCommitted ReadCommittedLock ReadPast Snapshot NoWait NoExpand ForceScan
    """
)
# A session's own manners; PARSEONLY, NOEXEC and FMTONLY would let a batch do nothing at all.
OPTIONS = list_words(
    "NoCount XactAbort ArithAbort AnsiWarnings AnsiPadding ConcatNullYieldsNull NumericRoundAbort"
)
SWITCHED_ON = list_words("QuotedIdentifier AnsiNulls")
COMMANDS = list_words("DateFirst DateFormat Language LockTimeout DeadlockPriority")
LEVELS = list_words("ReadUncommitted ReadCommitted Snapshot")
CLR_TYPES = frozenset({"geography", "geometry", "hierarchyid"})  # the server's own; others run anybody's code
XML_METHODS = frozenset({"value", "query", "exist", "nodes"})
JOINS = ("QualifiedJoin", "UnqualifiedJoin", "JoinParenthesisTableReference")


def find_writes(script: Node, procedures: frozenset[str] = frozenset()) -> list[str]:
    """What a script does beyond reading, filling its own table variables and running these procedures."""
    found = [*find_foreign(script), *(["GO"] if len(script.get("Batches") or ()) > 1 else [])]
    for node in script.walk():
        if node.kind not in KNOWN:
            found.append(f"line {node.line}: {node.kind}")
        elif node.kind == "ExecutableProcedureReference":
            found += [f"line {node.line}: {said}" for said in check_call(node, procedures)]
        elif node.kind in CHECKS:
            found += [f"line {node.line}: {said}" for said in CHECKS[node.kind](node)]
    return found


def check_select(node: Node) -> Iterator[str]:
    """A SELECT may make a table."""
    if node.get("Into") is not None:
        yield "SELECT INTO"


def find_foreign(script: Node) -> Iterator[str]:
    """Changes of what is no table variable."""
    for statement in script.walk():
        for part in ("InsertSpecification", "UpdateSpecification", "DeleteSpecification"):
            change = statement.get(part)
            if change is not None and not is_own(change, statement):
                yield f"line {change.line}: {part} of what is no table variable"


def is_own(change: Node, statement: Node) -> bool:
    """True for a target that is a variable, or that FROM gives its name to one and to nothing else."""
    target = change.get("Target")
    if target.kind == "VariableTableReference":
        return True
    name = name_plain(target)
    expressions = statement.get("WithCtesAndXmlNamespaces", "CommonTableExpressions") or ()
    if name.lower() in {one.get("ExpressionName", "Value").lower() for one in expressions}:
        return False
    same = [
        source
        for source in list_sources(change.get("FromClause"))
        if name_exposed(source).lower() == name.lower()
    ]
    return (
        len(same) == 1
        and same[0].kind == "VariableTableReference"
        and name_exposed(same[0])
        == name  # where the collation tells cases apart, another case is another name
    )


def check_output(node: Node) -> Iterator[str]:
    """OUTPUT … INTO writes too."""
    if node.get("IntoTable").kind != "VariableTableReference":
        yield "OUTPUT INTO what is no table variable"


def list_sources(source: Node | None) -> list[Node]:
    """What FROM names, joins opened."""
    if source is None:
        return []
    if source.kind == "FromClause" or source.kind in JOINS:
        return [found for one in source.children() for found in list_sources(one)]
    return [source]


def name_exposed(source: Node) -> str:
    """The name by which a source is known: its alias, or what the table is called."""
    return str(source.get("Alias", "Value") or source.get("SchemaObject", "BaseIdentifier", "Value") or "")


def name_plain(target: Node) -> str:
    """The name of a table that is named by one word, which may be an alias; empty otherwise."""
    names = target.get("SchemaObject", "Identifiers") or ()
    return str(names[0].get("Value")) if target.kind == "NamedTableReference" and len(names) == 1 else ""


def check_call(node: Node, procedures: frozenset[str]) -> Iterator[str]:
    """A procedure is named, and one of those that are vouched for."""
    reference = node.get("ProcedureReference", "ProcedureReference")
    name = ".".join(
        str(one.get("Value")) for one in (reference.get("Name", "Identifiers") if reference else None) or ()
    )
    if name.lower() not in procedures or reference.get("Number") is not None:
        yield f"EXEC of « {name or 'a variable'} »"
    if node.get("AdHocDataSource") is not None:
        yield "EXEC elsewhere"


def check_execution(node: Node) -> Iterator[str]:
    """It stays on this server, under this account."""
    for part in ("LinkedServer", "ExecuteContext"):
        if node.get(part) is not None:
            yield f"EXEC with {part}"


def check_name(node: Node) -> Iterator[str]:
    """Four names are of another server."""
    if node.get("ServerIdentifier") is not None:
        yield "a table of another server"


def check_function(node: Node) -> Iterator[str]:
    """Of a function too."""
    before = node.get("CallTarget", "MultiPartIdentifier", "Identifiers") or ()
    if len(before) > 2 and node.get("FunctionName", "Value") not in XML_METHODS:
        yield "a function of another server"


def check_type(node: Node) -> Iterator[str]:
    """`type::Method()`."""
    name = [one.get("Value").lower() for one in node.get("SchemaObjectName", "Identifiers")]
    if name[-1] not in CLR_TYPES or name[:-1] not in ([], ["sys"]):
        yield f"a method of {'.'.join(name)}"


def check_hint(node: Node) -> Iterator[str]:
    """No lock but those of a plain read."""
    if node.kind == "TableHint" and node.get("HintKind") not in HINTS:
        yield f"hint {node.get('HintKind')}"


def check_options(node: Node) -> Iterator[str]:
    """SET … ON or OFF."""
    for option in node.get("Options").split(", "):
        if option not in OPTIONS and not (option in SWITCHED_ON and node.get("IsOn")):
            yield f"SET {option}"


def check_command(node: Node) -> Iterator[str]:
    """SET with a value."""
    if node.get("CommandType") not in COMMANDS:
        yield f"SET {node.get('CommandType')}"


def check_level(node: Node) -> Iterator[str]:
    """No level that keeps writers waiting."""
    if node.get("Level") not in LEVELS:
        yield f"isolation {node.get('Level')}"


def check_raised(node: Node) -> Iterator[str]:
    """The server's own journal is written to by WITH LOG."""
    if "Log" in str(node.get("RaiseErrorOptions")).split(", "):
        yield "RAISERROR WITH LOG"


CHECKS: dict[str, Callable[[Node], Iterator[str]]] = {
    "SelectStatement": check_select,
    "OutputIntoClause": check_output,
    "ExecuteSpecification": check_execution,
    "SchemaObjectName": check_name,
    "FunctionCall": check_function,
    "UserDefinedTypeCallTarget": check_type,
    "TableHint": check_hint,
    "PredicateSetStatement": check_options,
    "GeneralSetCommand": check_command,
    "SetTransactionIsolationLevelStatement": check_level,
    "RaiseErrorStatement": check_raised,
}
