"""What may not leave the platform in a log or a sentence: secrets, phones, mails, addresses and accounts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from nonreg.config import Platform
from nonreg.errors import NonregError

MASKED = "***"
# What follows a name: quoted (quotes inside doubled or escaped), in braces as in ODBC, or a bare word.
VALUE = (
    r"(?:\{(?:[^}\n]|\}\})*\}?|[NE]?'(?:[^'\\\n]|''|\\.)*'?|\"(?:[^\"\\\n]|\"\"|\\.)*\"?"
    r"|(?:[^\s,;&'\"{]|,(?=\S))(?:[^\s,;&]|,(?=\S))*)"
)
NAME = (
    r"(?:password|passwd|pwd|passphrase|mot[_ -]?de[_ -]?passe|mdp|secret|token|jeton|api[_-]?key"
    r"|(?<![a-z])pass(?![a-z]))"
)
# Between the digits of a phone; a slash only where there are nothing else: dates have some.
GAP = r"[ .\t\u00a0\u2009\u202f\u2010\u2011\u2013-]"
# A phone in any writing. No digit before it, nor a digit with the mark of a fraction or a date.
PHONE = (
    r"\+\d{8,15}(?!\d)"
    r"|(?<!\d)(?<!\d[.,:])00[1-9]\d{7,14}(?!\d)"
    rf"|(?:\(?\+(?!0)|(?<!\d)(?<!\d[.,:-])\(?00{GAP}?)\d{{1,3}}\)?{GAP}?(?:\(0\){GAP}?)?\d(?:{GAP}?\d{{2}}){{4}}(?!\d)"
    rf"|(?<![\d:])\+(?=(?:(?:{GAP}|[()]){{0,3}}\d){{8,15}}(?!\d))[1-9]\d{{0,2}}(?:(?:{GAP}|[()]){{0,3}}\d)+"
    r"|(?<!\d)(?<!\d[.,])0[1-9]\d{8}(?!\d)"
    rf"|(?<!\d)(?<!\d[.,-])0[1-9](?:{GAP}?\d{{2}}){{4}}(?!\d)"
    r"|(?<![\d/])0[1-9](?:/\d{2}){4}(?![\d/])"
    rf"|(?<!\d)(?<!\d[.,-])0[1-9]\d{{2}}(?:{GAP}\d{{3}}){{2}}(?!\d)"
)
# A hash may hold ten digits in a row: whole words of hexadecimal stay.
HASH = r"\b(?=\d*[a-fA-F])[0-9a-fA-F]{12,}\b"
# Applied in this order, after the known secret values. What is open at both ends has a bound, or a text of a megabyte
# would take as long as the square of its length.
PATTERNS = (
    (re.compile(r"(?i)\b((?:set-)?cookie2?[\"']?\s*[:=]\s*)\S.*"), rf"\1{MASKED}"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*)\S.*"), rf"\1{MASKED}"),
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{8,}"), rf"\1 {MASKED}"),
    (re.compile(r"(?i)\b(negotiate|ntlm)\s+[A-Za-z0-9+/=]{24,}"), rf"\1 {MASKED}"),
    (re.compile(r"(?i)\b(SCRAM-SHA-\d+)\$\S+"), rf"\1${MASKED}"),
    (re.compile(r"\bmd5[0-9a-f]{32}\b"), MASKED),
    (re.compile(r"(://[^\s/:@]*):(?!\d+/)\S{1,500}@"), rf"\1:{MASKED}@"),
    (re.compile(rf"(?i)\b(identified\s+(?:with\s+\S+\s+)?by\s+(?:values\s+)?){VALUE}"), rf"\1{MASKED}"),
    (re.compile(rf"(?i)(--{NAME}[\w-]*\s+){VALUE}"), rf"\1{MASKED}"),
    (re.compile(rf"(?i)({NAME}\w*[\"']?(?:\s*[=:]\s*|\s+(?=[NE]?['\"]))){VALUE}"), rf"\1{MASKED}"),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<courriel>"),
    (re.compile(rf"({HASH})|(?:{PHONE})"), lambda found: found[1] or "<téléphone>"),
)
ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?")
# What a ticket need not know either; hosts and sites keep their names.
PLACES = (
    (re.compile(r"\b([a-z][a-z0-9+.-]{0,30}://)[^\s/?#'\"«»<>]+"), r"\1<adresse>"),
    (re.compile(r"\[(?=[^\]]{0,60}(?:::|(?::[^:\]]{1,60}){3}))[0-9a-fA-F:.]{1,60}\](?::\d+)?"), "<adresse>"),
    (re.compile(r"\blocalhost:\d+"), "<adresse>"),
    (ADDRESS, "<adresse>"),
    (
        re.compile(
            r"(?i)\b(utilisat(?:eur|rice)|compte|user|login|role(?=\s+\"))(\s+)"
            r"(?:«[^»]{0,300}»|\"[^\"]{0,300}\"|'[^']{0,300}')"
        ),
        r"\1\2« <compte> »",
    ),
    (re.compile(r"(?i)\b(user(?:name| id)?|uid)=[^\s,;&]+"), r"\1=<compte>"),
)


class Mask:
    """Masks texts of one platform; knows its secret values, never shows them."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        known = {form for value in secrets if value for form in (value, quote(value, safe=""))}
        longest_first = sorted(known, key=lambda value: (-len(value), value))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __repr__(self) -> str:
        return "Mask(***)"

    def hide(self, value: Any) -> Any:
        """A value without the known secrets in its texts, at any depth; nothing else is changed: it is evidence."""
        if self._known is None:
            return value
        if isinstance(value, str):
            return self._known.sub(MASKED, value)
        if isinstance(value, dict):
            return {name: self.hide(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(one) for one in value]
        return value

    def apply(self, text: str) -> str:
        """The text without secrets, phones and mails."""
        if self._known is not None:
            text = self._known.sub(MASKED, text)
        for pattern, replacement in PATTERNS:
            text = pattern.sub(replacement, text)
        return text


NO_SECRET_KNOWN = Mask(())


def conceal(text: str) -> str:
    """A text as it may be pasted into a ticket: no password, phone or mail, no address, no account's name."""
    text = NO_SECRET_KNOWN.apply(text)
    for pattern, replacement in PLACES:
        text = pattern.sub(replacement, text)
    return text


def list_secrets(platform: Platform) -> tuple[str, ...]:
    """Every secret value of a platform that can be known here: named in its file, or in its secrets file."""
    names: set[str | None] = set()
    for site in platform.sites:
        if site.database is not None:
            names |= {site.database.reader_password_env, site.database.writer_password_env}
        names |= {site.web.station_password_env, site.web.client_password_env}
    if platform.vpn is not None:
        names.add(platform.vpn.password_env)
    if platform.tracker is not None:
        names.add(platform.tracker.key_env)
    values = set()
    for name in filter(None, names):
        try:
            values.add(platform.secret(name).reveal())
        except NonregError:
            continue  # a secret that is nowhere cannot be shown
    path = platform.path(platform.secrets_file)
    if platform.secrets_file and path.is_file():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        values |= {line.partition("=")[2] for line in lines if not line.startswith("#")}
    return tuple(sorted(filter(None, values)))


def hide_places(text: str, platform: Platform) -> str:
    """The sentence without the addresses and accounts of the platform."""
    places: set[str] = set()
    accounts: set[str | None] = set()
    for site in platform.sites:
        places.add(site.host.address)
        accounts |= {site.host.user, site.web.client_user}
        if site.database is not None:
            places.add(site.database.host)
            accounts |= {site.database.reader_user, site.database.writer_user}
    if platform.drills.hypervisor is not None:
        places.add(platform.drills.hypervisor.address)
        accounts.add(platform.drills.hypervisor.user)
    known = "|".join(re.escape(place) for place in sorted(places))
    text = re.sub(rf"\s*\((?:{known})(?::\d+)?\)", "", text)
    text = re.sub(rf"(?<![\w.])(?:{known})(?::\d+)?(?![\w.]*\w)", "<adresse>", text)
    text = ADDRESS.sub("<adresse>", text)
    words = "|".join(re.escape(account) for account in sorted(filter(None, accounts)))
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", "<compte>", text)
