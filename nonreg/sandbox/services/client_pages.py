"""Pages of the light client, in French; everything that comes from the database is escaped. Pure."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

MESSAGE = {
    404: "page introuvable",
    405: "méthode refusée",
    500: "erreur interne",
    503: "base de données indisponible, réessayez dans un instant",
}
_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>AQUARÉEL – {title}</title>
<style>body{{font-family:sans-serif;margin:2em}}td,th{{padding:.2em .8em;text-align:left}}
td.n{{text-align:right}}p.e{{color:#b00}}</style></head>
<body><h1>AQUARÉEL – {title}</h1>
{body}
</body></html>
"""
_LOGIN = """<form method="post" action="/connexion">
<p><label>Identifiant <input name="identifiant" autocomplete="username" required></label></p>
<p><label>Mot de passe
<input name="mot_de_passe" type="password" autocomplete="current-password" required></label></p>
<p><button>Se connecter</button></p></form>"""


def login_page(site: str, error: str = "") -> str:
    """The form to sign in, with the reason of a refusal."""
    warning = f'<p class="e" role="alert">{escape(error)}</p>\n' if error else ""
    return _PAGE.format(title="Connexion", body=f"<p>Site {escape(site)}</p>\n{warning}{_LOGIN}")


def message_page(message: str) -> str:
    """One sentence."""
    return _PAGE.format(title="Information", body=f"<p>{escape(message)}</p>")


def latest_page(site: str, role: str, rows: list[tuple[Any, ...]]) -> str:
    """Table of (station, label, quantity, UTC time, value, state); a missing value is shown as a dash."""
    lines = "\n".join(_line(*row) for row in rows)
    body = (
        f'<p>Site <span id="site">{escape(site)}</span>, rôle <span id="role">{escape(role)}</span>,'
        f" {len(rows)} valeurs, heures en UTC.</p>\n"
        '<table id="dernieres"><thead><tr><th>Station</th><th>Libellé</th>'
        "<th>Grandeur</th><th>Heure (UTC)</th><th>Valeur</th><th>État</th></tr></thead>\n"
        f"<tbody>\n{lines}\n</tbody></table>"
    )
    return _PAGE.format(title="Dernières valeurs", body=body)


def _line(station: str, label: str, quantity: str, at: datetime | None, value: Any, state: str) -> str:
    moment = at.isoformat(" ", "seconds") if at else "–"
    shown = "–" if value is None else f"{value:f}"
    cells = [station, label, quantity, moment]
    return (
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        + f'<td class="n">{escape(shown)}</td><td>{escape(str(state))}</td></tr>'
    )  # fmt: skip
