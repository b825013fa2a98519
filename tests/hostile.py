"""Texts that somebody hostile, or a damaged database, puts where any text may stand: one table for all tests.

They come from database values, messages of scenarios, titles and notes of tickets, answers of people.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# By name: what is tried.
TEXTS: dict[str, str] = {
    "script": "<script>alert(1)</script>",
    "attribute": '<img src=x onerror="alert(1)">',
    "out of an attribute": "\"><b onmouseover='alert(1)' autofocus tabindex=1 onfocus=alert(1) x=\"",
    "out of a table": '</td></tr></table></main><iframe src="javascript:alert(1)"></iframe><table><tr><td>',
    "drawing": "<svg onload=alert(1)><script>alert(1)</script><use href='data:text/html,x'/></svg>",
    "out of a style": "</style><style>*{display:none}body{background:url(http://exemple.invalid/x)}",
    "out of a title": "</title><meta http-equiv=refresh content='0;url=http://exemple.invalid/'>",
    "base and form": "<base href=http://exemple.invalid/><form action=x><button>Valider</button></form>",
    "comment": "<!-- ]]> --> <![CDATA[ <?xml version='1.0'?>",
    "entities": "&lt;b&gt; &amp; &#x0; &#60;script&#62; &notanentity;",
    "template": "{{ 7*7 }} {% raw %} {{titre}} {{contenu}} {# x #} ${7*7} #{7*7}",
    "typst": '#panic("x") #include "/etc/hostname" #{1/0} *gras* _x_ $ 1/0 $ `raw` <label> @ref \\ // = titre ]]',
    "formula": "=cmd|'/c calc'!A1",
    "formula link": '=HYPERLINK("http://exemple.invalid/","clic")',
    "formula plus": "+1+1",
    "formula minus": "-2+3",
    "formula at": "@SUM(A1)",
    "formula behind a blank": "\t=1+1",
    "formula behind a return": "\r=1",
    "formula, wide sign": "＝1+1",
    "word field": "{ DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe }",
    "word markup": "</w:t></w:r></w:p>&amp;&#x0;",
    "terminal colour": "\x1b[31mrouge\x1b[0m",
    "terminal title and link": "\x1b]0;titre\x07\x1b]8;;http://exemple.invalid/\x1b\\clic\x1b]8;;\x1b\\",
    "terminal erase": "\x1b[2J\x1b[H\x9b1A\rOK\x08\x08\x7f",
    "right to left": "gauche\u202edroite\u200f\u2066x\u2069",
    "zero width": "ad\u200bmin\u200d\ufeff\u2060",
    "nothing a file may hold": "\x00\ud800\uffff\ufdd0\U000e0041",
    "half of a pair": "\udc00 puis \ud83d",
    "stack": "e" + "\u0301\u0323\u0334" * 400,
    "no glyph": "中文 😀 \U0001f468\u200d\U0001f469",
    "link": "[clic](javascript:alert(1))",
    "link by reference": "[clic][1]\n\n[1]: javascript:alert(1)",
    "image": "![x](http://exemple.invalid/x.png)",
    "address": "<http://exemple.invalid> www.exemple.invalid a@exemple.invalid",
    "cells": "a | b |\n| c",
    "title": "# titre",
    "list": "- liste",
    "numbered list": "1. liste",
    "quotation": "> citation",
    "indented code": "    code",
    "fenced code": "```\ncode",
    "rule": "---",
    "underline": "===",
    "emphasis": "`a` **b** _c_ ~~d~~ \\",
    "end of line": "fin de ligne\\",
    "markup of rich": "[bold red]x[/] [link=http://exemple.invalid]clic[/link] [/]",
    "percent and braces": "%s %(x)s %n {0} {x!r}",
    "order to a tracker": "/close\n/assign @admin\r/close",
    "call": "@all @admin @automate\n@admin",
    "textile link": '"lien":javascript:alert(3) !javascript:alert(4)! <a href="javascript:alert(5)">x</a>',
    "textile style": "p{background:url(javascript:alert(6))}. style {{macro}}",
    "secret": "motdepasse=Secret123",
    "path": "../../../../etc/passwd",
    "empty lines": "\n\n\n\r\n",
}
HOSTILE = tuple(TEXTS.values())
ALL = "\n".join(HOSTILE)
# Of one word, which no line can hold, and of a million: as a column of a database may be.
HUGE_WORD = "A" * 10_000_000
HUGE_LINES = "é ligne\n" * 1_250_000

# What moves a cursor, hides or reorders what is read: no terminal, page or file is given one.
MISLEADING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def select(*names: str) -> tuple[str, ...]:
    """Some of them, where each costs seconds."""
    return tuple(TEXTS[name] for name in names)


class Spoiler:
    """Puts one of the texts before every other text, each in its turn; the same text always gets the same.

    `keep` says which are no texts: what a program reads, not a person.
    """

    def __init__(self, keep: Callable[[str], bool] = lambda text: False, turn: int = 0) -> None:
        self._keep = keep
        self._turn = turn
        self.changed: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        if self._keep(text):
            return text
        if text not in self.changed:
            self.changed[text] = HOSTILE[(self._turn + len(self.changed)) % len(HOSTILE)] + text
        return self.changed[text]


# One of each kind, where each costs a document.
FEW = select(
    *("script", "word field", "formula", "template", "terminal colour", "right to left"),
    *("nothing a file may hold", "word markup"),
)
