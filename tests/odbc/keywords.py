"""ODBC connection strings, read back."""

from __future__ import annotations


def parse_keywords(text: str) -> dict[str, str]:
    """The connection string as an ODBC driver manager reads it; a last semicolon may be missing."""
    text = text if not text or text.endswith(";") else text + ";"
    found, at = {}, 0
    while at < len(text):
        name, at = text[at : text.index("=", at)], text.index("=", at) + 1
        if text[at] == "{":
            value, at = "", at + 1
            while not (text[at] == "}" and text[at : at + 2] != "}}"):
                value, at = value + text[at], at + (2 if text[at] == "}" else 1)
            at += 1
        else:
            end = text.index(";", at)
            value, at = text[at:end], end
        assert text[at] == ";"
        found[name], at = value, at + 1
    return found
