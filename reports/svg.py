"""The pieces every drawing is made of, as SVG text; nothing else is needed to show them.

Readable in black and white: solid, striped and outlined boxes are told apart without their colours.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

from reports.document import Chart
from reports.tame import tame_text

INK, SOFT, LINE, PALE, STRONG = "#1b2229", "#4a545e", "#b9c1c8", "#e3e9ee", "#a3141e"
FONTS = "'Segoe UI', 'Liberation Sans', Arial, 'Libertinus Serif', sans-serif"
SIGNS = "'DejaVu Sans Mono', monospace"


def frame(parts: Sequence[str], width: int, height: int, key: str, title: str, description: str) -> Chart:
    """Return the whole drawing with its title and description, which `key` names."""
    name, said = escape(tame_text(title)), escape(tame_text(description))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="{key}-titre {key}-texte" font-family="{FONTS}">'
        f'<title id="{key}-titre">{name}</title><desc id="{key}-texte">{said}</desc>{"".join(parts)}</svg>'
    )
    return Chart(title, description, svg)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str, dash: str = "", width: float = 0.8) -> str:
    """Return a line, dashed where `dash` says how."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
        f'stroke-width="{width}"{dashes}/>'
    )


def label(
    x: float, y: float, words: str, size: int, fill: str, anchor: str = "start", fonts: str = "",
    weight: str = "normal",
) -> str:  # fmt: skip
    """Return words at a place; `anchor` is what of them is there."""
    family = f' font-family="{fonts}"' if fonts else ""
    bold = f' font-weight="{weight}"' if weight != "normal" else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{family}{bold}>'
        f"{escape(tame_text(words))}</text>"
    )


def box(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    """Return a box."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="0.7"/>'
    )


def solid(x: float, y: float, width: float, height: float) -> str:
    """Return a box of what failed."""
    return box(x, y, width, height, STRONG, STRONG)


def outlined(x: float, y: float, width: float, height: float) -> str:
    """Return a box of what is good."""
    return box(x, y, width, height, PALE, SOFT)


def striped(x: float, y: float, width: float, height: float) -> str:
    """Stripes as lines: a pattern would need a reference, which a self-contained page does not hold."""
    stripes = "".join(
        f"M{x:.1f} {y + at * 3 + 1.5:.1f}h{width:.1f}" for at in range(min(200, int((height + 1.4) // 3)))
    )
    drawn = f'<path d="{stripes}" stroke="{INK}" stroke-width="1.1"/>' if stripes else ""
    return box(x, y, width, height, "#ffffff", INK) + drawn
