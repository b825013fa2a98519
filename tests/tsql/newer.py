"""What a text may not use: what SQL Server 2016 SP2 has not, and what the project does without.

A parser does not know functions by their names: those that came later are listed here, each with its version.
Reviewed by hand, from Microsoft's list of what is new in each version.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.tsql.scriptdom import Node

FUNCTIONS = {
    **dict.fromkeys(("STRING_AGG", "TRIM", "CONCAT_WS", "TRANSLATE"), 2017),
    **dict.fromkeys(("APPROX_COUNT_DISTINCT",), 2019),
    **dict.fromkeys(("GREATEST", "LEAST", "DATETRUNC", "DATE_BUCKET", "GENERATE_SERIES"), 2022),
    **dict.fromkeys(("JSON_OBJECT", "JSON_ARRAY", "JSON_PATH_EXISTS"), 2022),
    **dict.fromkeys(("LEFT_SHIFT", "RIGHT_SHIFT", "BIT_COUNT", "GET_BIT", "SET_BIT"), 2022),
    **dict.fromkeys(("APPROX_PERCENTILE_CONT", "APPROX_PERCENTILE_DISC"), 2022),
    **dict.fromkeys(
        ("JSON_OBJECTAGG", "JSON_ARRAYAGG", "JSON_CONTAINS", "BASE64_ENCODE", "BASE64_DECODE"), 2025
    ),
    **dict.fromkeys(("REGEXP_LIKE", "REGEXP_REPLACE", "REGEXP_SUBSTR", "REGEXP_INSTR", "REGEXP_COUNT"), 2025),
    **dict.fromkeys(("UNISTR", "PRODUCT", "EDIT_DISTANCE"), 2025),
}
# The most arguments that each took in 2016.
ARGUMENTS = {"ISJSON": 1, "STRING_SPLIT": 2, "LTRIM": 1, "RTRIM": 1}
SYSTEM = {
    **dict.fromkeys(("dm_os_host_info", "dm_db_tuning_recommendations", "query_store_wait_stats"), 2017),
    **dict.fromkeys(("dm_os_enumerate_fixed_drives", "dm_os_file_exists"), 2017),
    **dict.fromkeys(
        ("dm_db_page_info", "dm_exec_query_plan_stats", "dm_tran_persistent_version_store_stats"), 2019
    ),
    **dict.fromkeys(("query_store_replicas", "query_store_query_hints"), 2022),
}
# CHECKSUM_AGG and BINARY_CHECKSUM miss changes: digests are sums of SHA-256.
AVOIDED_FUNCTIONS = frozenset({"CHECKSUM_AGG", "BINARY_CHECKSUM", "CHECKSUM"})
AVOIDED_KINDS = {"MergeStatement": "MERGE", "CreateOrAlter": "CREATE OR ALTER"}


def find_newer(tree: Node) -> Iterator[str]:
    """What a text uses and may not."""
    for node in tree.walk():
        for kind, word in AVOIDED_KINDS.items():
            if node.kind.startswith(kind):
                yield f"line {node.line}: {word}"
        name, given = name_function(node)
        if name in FUNCTIONS:
            yield f"line {node.line}: {name} ({FUNCTIONS[name]})"
        if name in AVOIDED_FUNCTIONS:
            yield f"line {node.line}: {name}"
        if len(given) > ARGUMENTS.get(name, len(given)):
            yield f"line {node.line}: {name} with {len(given)} arguments"
        system = str(node.get("SchemaObject", "BaseIdentifier", "Value") or "").lower()
        if system in SYSTEM and node.get("SchemaObject", "SchemaIdentifier", "Value").lower() == "sys":
            yield f"line {node.line}: sys.{system} ({SYSTEM[system]})"


def name_function(node: Node) -> tuple[str, tuple[Node, ...]]:
    """The built-in function that is called here, in upper case, and its arguments; an empty name when there is none."""
    if node.kind == "FunctionCall" and node.get("CallTarget") is None:
        return node.get("FunctionName", "Value").upper(), node.get("Parameters") or ()
    if node.kind == "GlobalFunctionTableReference":
        return node.get("Name", "Value").upper(), node.get("Parameters") or ()
    if node.kind == "SchemaObjectFunctionTableReference" and not node.get("SchemaObject", "SchemaIdentifier"):
        return node.get("SchemaObject", "BaseIdentifier", "Value").upper(), node.get("Parameters") or ()
    return "", ()
