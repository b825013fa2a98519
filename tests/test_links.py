"""Addresses that people will click on: stated in the platform file, checked there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.errors import ConfigError
from nonreg.links import find_address_problem, find_ticket_url_problem, link_ticket, read_reports_url
from tests.governed import Governed

GOOD = ("https://suivi.exemple/issues/{number}", "http://suivi.exemple:8080/browse/{ticket}?vue=1#haut")


@pytest.mark.parametrize("template", GOOD)
def test_the_address_of_a_ticket_holds_its_number_or_its_reference(template: str) -> None:
    assert find_ticket_url_problem(template) == ""
    assert link_ticket(GOOD[0], "AQ-12") == "https://suivi.exemple/issues/12"
    assert link_ticket(GOOD[1], "AQ-12") == "http://suivi.exemple:8080/browse/AQ-12?vue=1#haut"


@pytest.mark.parametrize(
    "template",
    [
        "https://suivi.exemple/issues",
        "https://suivi.exemple/{number}/{number}",
        "https://suivi.exemple/{number}/{ticket}",
        "https://suivi.exemple/{number}/{autre}",
        "javascript:alert({number})",
        "ftp://suivi.exemple/{number}",
        "https://compte:motdepasse@suivi.exemple/{number}",
        "https://suivi.exemple/{number} ",
        "https://suivi.exemple/{number})",
        "//suivi.exemple/{number}",
    ],
)
def test_the_address_of_a_ticket_is_http_without_account_and_has_one_place_for_it(template: str) -> None:
    assert find_ticket_url_problem(template)


def test_no_link_is_made_of_what_is_no_ticket_or_without_an_address() -> None:
    assert link_ticket("", "AQ-12") == ""
    for reference in ("", "aq-12", "AQ-12/../..", "AQ-12)", "javascript:1"):
        assert link_ticket(GOOD[0], reference) == ""


@given(st.text(max_size=40))
def test_an_accepted_address_can_end_no_link(text: str) -> None:
    address = f"https://a.exemple/{text}"
    if not find_address_problem(address):
        assert not set(address) & set(" ()<>\"'\\`[]|\n")


@pytest.mark.parametrize("key", ["ticket_url", "reports_url"])
def test_a_wrong_address_of_a_platform_file_is_refused_with_its_key_and_line(
    governed: Governed, key: str
) -> None:
    text = governed.platform_file.read_text("utf-8")
    governed.platform_file.write_text(f'{key} = "javascript:alert(1)"\n{text}', encoding="utf-8")
    with pytest.raises(ConfigError, match=f"clé « {key} », ligne 1 : "):
        load_platform(str(governed.platform_file))


def test_the_environment_says_where_reports_are_before_the_platform_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read_reports_url("https://a.exemple/runs/") == "https://a.exemple/runs"
    monkeypatch.setenv("NONREG_REPORTS_URL", "https://b.exemple/")
    assert read_reports_url("https://a.exemple/runs") == "https://b.exemple"
    monkeypatch.setenv("NONREG_REPORTS_URL", "file:///runs")
    with pytest.raises(ConfigError, match="NONREG_REPORTS_URL : une adresse http ou https"):
        read_reports_url("")


def test_a_platform_need_not_say_where_tickets_and_reports_are() -> None:
    platform = load_platform(str(PLATFORMS_DIR / "embarquee.toml"))
    assert (platform.ticket_url, platform.reports_url) == ("", "")
