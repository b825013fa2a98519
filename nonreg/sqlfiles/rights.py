"""What a SQL scenario says that it needs: rights on objects, and procedures of which a reviewer says that they read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nonreg.errors import ConfigError

ON_OBJECT = ("SELECT", "EXECUTE", "INSERT", "UPDATE", "DELETE", "REFERENCES", "VIEW DEFINITION")
ON_WHOLE = ("VIEW SERVER STATE", "VIEW ANY DEFINITION", "VIEW DATABASE STATE", "VIEW DEFINITION")
WRITING = ("INSERT", "UPDATE", "DELETE", "REFERENCES")
NAME = re.compile(r"[^\W\d][\w$#]*(?:\.[^\W\d][\w$#]*){1,2}")
# They run a text, or what is outside of the database: nobody can vouch for what they will do, nor roll it back.
NEVER_VOUCHED = re.compile(
    r"(?:.*\.)?(?:xp_\w*|sp_executesql|sp_oa\w*|sp_msforeach\w*|sp_prep\w*|sp_cursor\w*|sp_execute\w*"
    r"|sp_send_dbmail|sp_start_job|sp_configure|sp_addlinkedserver|sp_serveroption|sp_rename|sp_unprepare"
    r"|sp_sqlexec|sp_stop_job|sp_notify_operator|sp_repl\w*|sp_posttracertoken)"
)

ProcedureName = str  # `schema.name`, lower case, without brackets


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One right: `SELECT` on `ref.station`; on the whole database or server when `object` is empty."""

    permission: str
    object: str = ""

    def __str__(self) -> str:
        return f"{self.permission} {self.object}".strip()

    @property
    def writes(self) -> bool:
        """True for a right that lets rows be changed; EXECUTE is looked at elsewhere."""
        return self.permission in WRITING


def read_rights(items: tuple[str, ...]) -> tuple[Right, ...]:
    """Rights from `SELECT ref.station`, …; ConfigError says which one is no right."""
    rights = []
    for item in items:
        if item.upper() in ON_WHOLE:
            rights.append(Right(item.upper()))
            continue
        permission, _, name = item.rpartition(" ")
        if permission.upper() not in ON_OBJECT or not NAME.fullmatch(name):
            raise ConfigError(
                f"droit mal formé : « {item} » (« SELECT schéma.objet » ; droits connus : {', '.join(ON_OBJECT)}, "
                f"et sans objet {', '.join(ON_WHOLE)})"
            )
        rights.append(Right(permission.upper(), name.lower()))
    if repeated := [right for right in rights if rights.count(right) > 1]:
        raise ConfigError(f"droit demandé deux fois : « {repeated[0]} »")
    return tuple(rights)


def read_procedures(items: tuple[str, ...]) -> tuple[ProcedureName, ...]:
    """Names of vouched procedures; ConfigError for one without a schema, or one that runs whatever it is given."""
    for item in items:
        if not NAME.fullmatch(item):
            raise ConfigError(f"procédure de lecture mal écrite : « {item} » (« schéma.procédure »)")
        if NEVER_VOUCHED.fullmatch(item.lower()):
            raise ConfigError(
                f"« {item} » ne peut pas être une procédure de lecture : elle exécute autre chose"
            )
    return tuple(item.lower() for item in items)
