"""The words and functions that the guard knows, for each engine, and why they are there. Data alone."""

from __future__ import annotations

import re
from pathlib import Path


def list_words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# SQL Server reserves them: unquoted, they are never a name. All that writes, or opens a way to it, needs one of them,
# or begins a statement with a word that is not in `batches.py`.
TSQL_WORDS = list_words(
    """
    INSERT UPDATE DELETE MERGE TRUNCATE INTO WRITETEXT UPDATETEXT READTEXT BULK LOAD DUMP
    CREATE ALTER DROP ADD TRIGGER PROC PROCEDURE FUNCTION SIGNATURE ENABLE DISABLE
    GRANT REVOKE DENY REVERT SETUSER OPEN CLOSE DEALLOCATE CURSOR KEY_SOURCE
    EXEC EXECUTE OPENROWSET OPENQUERY OPENDATASOURCE OPENXML
    BACKUP RESTORE DBCC KILL SHUTDOWN RECONFIGURE CHECKPOINT USE WAITFOR GOTO LINENO
    COMMIT ROLLBACK SAVE TRAN TRANSACTION DISTRIBUTED ATOMIC
    CONVERSATION DIALOG SEND RECEIVE
    UPDLOCK XLOCK TABLOCK TABLOCKX HOLDLOCK PAGLOCK ROWLOCK
    """
)
# These may stand where `batches.py` says; anywhere else they are refused too.
TSQL_PLACED = frozenset({"EXEC", "EXECUTE", "INSERT", "UPDATE", "DELETE", "INTO", "TRANSACTION"})
# What a rollback does not undo, or what takes the transaction away from the tool.
TSQL_NOT_UNDONE = list_words(
    """
    COMMIT ROLLBACK SAVE TRAN TRANSACTION DISTRIBUTED IMPLICIT_TRANSACTIONS REMOTE_PROC_TRANSACTIONS
    BACKUP RESTORE DBCC KILL SHUTDOWN RECONFIGURE CHECKPOINT USE BULK DUMP LOAD
    OPENROWSET OPENQUERY OPENDATASOURCE DATABASE LOGIN CONVERSATION DIALOG SEND RECEIVE
    """
)
# With them a batch does nothing, or a part of it, and succeeds.
TSQL_UNEXECUTED = list_words("FMTONLY NOEXEC PARSEONLY SHOWPLAN_ALL SHOWPLAN_TEXT SHOWPLAN_XML ROWCOUNT")
# A session's own manners: they end with it.
TSQL_OPTIONS = list_words(
    "NOCOUNT XACT_ABORT DATEFIRST DATEFORMAT LANGUAGE LOCK_TIMEOUT ARITHABORT ANSI_WARNINGS"
)
# Each heads a script that an editor made; with another value a text would not mean what it says.
TSQL_FIXED_OPTIONS = frozenset(
    {
        *(
            (name, "ON")
            for name in ("QUOTED_IDENTIFIER", "ANSI_NULLS", "ANSI_PADDING", "CONCAT_NULL_YIELDS_NULL")
        ),
        ("NUMERIC_ROUNDABORT", "OFF"),
        ("DEADLOCK_PRIORITY", "LOW"),
    }
)
# Of the others some write (UPDLOCK, XLOCK…) and some keep the application's writers waiting (HOLDLOCK, TABLOCK…).
TSQL_HINTS = list_words(
    """
    NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK READPAST SNAPSHOT NOWAIT
    NOEXPAND FORCESEEK FORCESCAN INDEX
    """
)
# The other levels keep writers waiting.
TSQL_ISOLATION = frozenset({"READ UNCOMMITTED", "READ COMMITTED", "SNAPSHOT"})

# PostgreSQL ends its statements with semicolons, so that the first word says what each is; these write inside a query.
POSTGRES_WORDS = list_words("INSERT UPDATE DELETE MERGE INTO")
POSTGRES_NOT_UNDONE = list_words(
    """
    COMMIT ROLLBACK BEGIN START END ABORT SAVEPOINT RELEASE PREPARE
    VACUUM CHECKPOINT COPY LOAD DISCARD LISTEN NOTIFY
    """
)
# Of the functions pg_… only those are known to read.
POSTGRES_READING = re.compile(
    r"pg_(?:get_\w+|typeof|\w*_size|size_pretty|is_in_recovery|current_\w*lsn|last_w\w+|wal_lsn_diff|sleep"
    r"|stat_get_\w+|ls_waldir|backend_pid|blocking_pids|conf_load_time|postmaster_start_time|input_is_valid|describe_object"
    r"|index_\w+|table_is_visible|function_is_visible|type_is_visible|has_role|encoding_to_char|safe_snapshot\w*|xact_commit_timestamp\w*)"
)
# What a rollback does not undo, or what reaches outside.
POSTGRES_NEVER = re.compile(
    r"dblink\w*|lo_\w+|lowrite|loread|set_config|query_to_\w+|cursor_to_\w+|table_to_\w+|schema_to_\w+"
    r"|database_to_\w+|ts_stat|ts_rewrite|crosstab\w*|connectby|xpath_table|binary_upgrade_\w+|brin_\w+|gin_clean\w*"
)
# In a PL/pgSQL body: a text that is made there, and what ends or leaves the transaction.
POSTGRES_BODY_NEVER = frozenset({"EXECUTE", "COMMIT", "ROLLBACK", "COPY"})
POSTGRES_OUTSIDE = frozenset(
    (verb, what)
    for verb in ("ALTER", "CREATE", "DROP")
    for what in ("SYSTEM", "SUBSCRIPTION", "DATABASE", "TABLESPACE", "SERVER", "EXTENSION")
)
# What a call without a schema may name: functions of the server that read, and those that only change their mind.
POSTGRES_KNOWN = frozenset(
    line
    for line in Path(__file__).with_name("postgres_functions.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
) | list_words("clock_timestamp timeofday random random_normal gen_random_uuid txid_status currval lastval")
POSTGRES_WRITING = re.compile(r"nextval|setval")
# Inline table functions and views of the application read by construction; its procedures are functions here.
POSTGRES_OWN_READING = re.compile(r"tvf_\w+")
POSTGRES_SYSTEM = frozenset({"pg_catalog", "information_schema"})
