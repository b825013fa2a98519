"""Hostile texts in a real browser: no page runs, opens, fetches or moves anything, whatever a platform put in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.html import write_html
from tests.every_page import PAGES
from tests.hostile import HOSTILE, Spoiler
from tests.test_hostile import keep

if TYPE_CHECKING:  # installed by `make test-browser` only
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def trap(chromium: Browser, html: str, file: Path) -> list[str]:
    """Everything that the page does beyond being read, clicked and hovered over where somebody may."""
    done: list[str] = []
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, locale="fr-FR")
    page: Page = context.new_page()
    page.on("dialog", lambda dialog: (done.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: done.append(f"console {message.text}"))
    page.on("pageerror", lambda error: done.append(f"error {error}"))
    page.on("popup", lambda popup: done.append(f"popup {popup.url}"))
    page.on("download", lambda download: done.append(f"download {download.url}"))
    page.on("request", lambda request: request.url != file.as_uri() and done.append(f"request {request.url}"))
    page.on(
        "framenavigated",
        lambda frame: frame.url.split("#")[0] != file.as_uri() and done.append(f"navigated {frame.url}"),
    )
    file.write_text(html, encoding="utf-8")
    page.goto(file.as_uri())
    # What waits for a hand: the pointer over everything that might listen, the keyboard through what can be reached.
    page.evaluate(
        """() => { for (const one of document.querySelectorAll('*'))
               for (const kind of ['mouseover', 'focus', 'click', 'toggle', 'animationstart', 'load', 'error'])
                 one.dispatchEvent(new Event(kind, {bubbles: true})); }"""
    )
    for _ in range(6):
        page.keyboard.press("Tab")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")
    done += page.evaluate(
        """() => [...document.querySelectorAll('*')]
             .flatMap(one => [...one.attributes].map(held => [one.localName, held.name, held.value]))
             .filter(([_, name, value]) => name.startsWith('on') || /^(javascript|data|https?):/i.test(value.trim()))
             .filter(([_, name]) => !name.startsWith('xmlns') && name !== 'data-label')
             .map(held => 'held ' + held.join(' '))"""
    )
    if page.evaluate("() => getComputedStyle(document.body).backgroundImage") != "none":
        done.append("style")
    context.close()
    return done


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_in_any_page(name: str, chromium: Browser, tmp_path: Path) -> None:
    turns = [PAGES[name](Spoiler(keep, turn)) for turn in (0, 23)]
    for document in turns:
        assert trap(chromium, write_html(document), tmp_path / "page.html") == []


@pytest.mark.parametrize(
    ("hostile", "done"),
    [
        ("<style>body{background:url(http://127.0.0.1:9/x)}</style>", "style"),
        ("<script>alert(1)</script>", "dialog 1"),
        ('<img src="http://127.0.0.1:9/x.png">', "request http://127.0.0.1:9/x.png"),
        ('<b onclick="console.log(7)">x</b>', "console 7"),
        ('<a href="javascript:alert(1)">x</a>', "held a href javascript:alert(1)"),
    ],
)
def test_the_trap_springs_on_a_page_that_escapes_nothing(
    hostile: str, done: str, chromium: Browser, tmp_path: Path
) -> None:
    html = write_html(PAGES["notice"](lambda one: one))
    bare = html.replace("<main>", f"<main>{hostile}").replace("default-src 'none'; ", "")
    assert done in trap(chromium, bare, tmp_path / "page.html")


def test_the_policy_of_a_page_stops_what_would_not_be_escaped(chromium: Browser, tmp_path: Path) -> None:
    html = write_html(PAGES["notice"](lambda one: one))
    words = "".join(HOSTILE).encode(errors="replace").decode()
    done = trap(chromium, html.replace("<main>", f"<main>{words}"), tmp_path / "page.html")
    assert not [one for one in done if one.startswith(("dialog", "popup", "download"))]
