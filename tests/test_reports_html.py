"""The HTML page: self-contained, escaped, structured."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from nonreg.model import CampaignReport
from reports.render import render_html
from tests.report_past_samples import regression_report
from tests.report_samples import green_report, interrupted_report, refused_report, rich_report

VOID = {"meta", "link", "br", "img", "col", "input", "hr"}
REPORTS = {
    "green": green_report(),
    "rich": rich_report(),
    "interrupted": interrupted_report(),
    "refused": refused_report(),
    "regression": regression_report(),
}


class Page(HTMLParser):
    """Collects tags with attributes, visible text, and tags left open or closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.faults: list[str] = []
        self.feed(html)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """Everything visible, blanks folded."""
        return " ".join(" ".join(self.texts).split())


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_needs_nothing_from_anywhere(name: str) -> None:
    html = render_html(REPORTS[name])
    page = Page(html)
    links = [a[key] or "" for _, a in page.tags for key in ("src", "href", "action", "srcset") if key in a]
    assert all(link.startswith("#") for link in links)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_well_formed_and_structured(name: str) -> None:
    page = Page(render_html(REPORTS[name]))
    assert page.faults == []
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table")
    assert ("html", {"lang": "fr"}) in page.tags
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    anchors = {a["id"] for _, a in page.tags if "id" in a}
    targets = {(a["href"] or "")[1:] for tag, a in page.tags if tag == "a"}
    assert targets <= anchors
    assert len(targets) == 13


def test_the_first_screen_says_verdict_and_what_was_not_checked_before_the_rest() -> None:
    text = Page(render_html(rich_report())).text
    order = [
        "Rapport de tests de non-régression (A.2)",
        "Verdict : ✗ KO",
        "Métadonnées",
        "1. Synthèse",
        "Prévu, mais aucun résultat n'a été enregistré.",
        "1bis. Baselines et écarts",
        "1ter. Historique",
        "2. Périmètre et déroulement",
        "3. Résultats détaillés",
        "4. Écarts et arbitrages",
        "5. Contrôles HD",
        "6. Environnement exact",
        "7. Gardes",
        "8. Réserves et conclusion",
        "9. Annexes",
    ]
    body = text[text.index("Brouillon") - len(order[0]) - 1 :].replace("Sommaire", "")
    places = [body.index(words) for words in order]
    assert places[:5] == sorted(places[:5])
    assert [body.rindex(words) for words in order[5:]] == sorted(body.rindex(words) for words in order[5:])


def test_every_outcome_has_a_sign_and_a_word() -> None:
    html = render_html(rich_report())
    marks = re.findall(r'class="mark [a-z]+"><span aria-hidden="true">(.*?)</span> (.*?)</span>', html)
    assert set(marks) == {
        ("✓", "OK"),
        ("✗", "KO"),
        ("?", "Inconclusif"),
        ("○", "Non exécuté"),
        ("○", "Sans résultat"),
        ("–", "Non applicable"),
        ("◇", "Mesure"),
        ("!", "Dérogation"),
        ("✓", "Passée"),
        ("!", "a servi"),
        ("↓", "Régression"),
        ("↑", "Corrigé"),
        ("!", "Échec connu"),
        ("▼", "Plus lent"),
        ("≈", "Instable"),
        ("+", "Nouveau"),
    }


def test_text_of_the_platform_is_never_markup() -> None:
    report = rich_report()
    evil = "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'{{ 7*7 }}"
    html = render_html(_say(report, evil))
    page = Page(html)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.faults == []
    assert evil in page.text


def _say(report: CampaignReport, words: str) -> CampaignReport:
    first, *others = report.run.results
    run = replace(report.run, results=(replace(first, message=words), *others))
    return replace(report, run=run)


def test_colours_keep_a_readable_contrast_on_white() -> None:
    html = render_html(green_report())
    colours = re.findall(r"--(?:ink|soft|ok|ko|warn|info|muted): #([0-9a-f]{6})", html)
    assert len(colours) == 7
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) >= 5.5  # WCAG AA asks 4.5; grey headers take some


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
