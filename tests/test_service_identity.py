"""Whether a Prefect API is ours: the decision, and servers that answer in good health without being it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import NonregError, Unreachable, UsageError
from nonreg.flow_process import flow_process
from nonreg.service.identity import (
    VARIABLE,
    Access,
    NotOurs,
    Seen,
    check_environment,
    claim,
    judge,
    read_variable,
    require_ours,
    split_auth,
)

AUTH, OURS = "aquareel:jeton", "abc123"
Reply = Callable[[str, str, str | None], tuple[int, str]]


def holding(value: str, name: str = VARIABLE) -> str:
    return json.dumps({"id": "1", "name": name, "value": value})


@contextmanager
def serve(reply: Reply) -> Iterator[tuple[str, list[str | None]]]:
    """A server that answers what `reply(method, path, authorization)` says; its URL, the secrets that it was told."""
    told: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.append(self.headers.get("Authorization"))
            status, body = reply(self.command, self.path, told[-1])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = answer  # noqa: N815 - names that the library asks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api", told
    finally:
        server.shutdown()
        server.server_close()


def like_prefect(value: str | None) -> Reply:
    """As Prefect with our secret: the variable has that value, or does not exist."""
    right = "Basic " + base64.b64encode(AUTH.encode()).decode()
    held = [value]

    def reply(method: str, _path: str, authorization: str | None) -> tuple[int, str]:
        if authorization != right:
            return 401, '{"exception_message": "Unauthorized"}'
        if method == "POST":
            held[0] = OURS
            return 201, holding(OURS)
        return (404, "{}") if held[0] is None else (200, holding(held[0]))

    return reply


def test_our_server_is_taken_for_ours() -> None:
    with serve(like_prefect(OURS)) as (url, _):
        require_ours(url, AUTH, OURS)


def test_a_server_that_says_yes_to_everything_is_refused_and_never_told_the_secret() -> None:
    with serve(lambda *_: (200, "true")) as (url, told):
        with pytest.raises(NotOurs, match=r"n'est pas le nôtre : il répond sans demander le secret .*200"):
            require_ours(url, AUTH, OURS)
        assert told == [None]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (like_prefect("autre"), "c'est celui de l'installation autre, la nôtre est abc123"),
        (like_prefect(None), "il ne porte le nom d'aucune installation"),
        (lambda *_: (401, "{}"), "il refuse le secret de notre installation"),
        (lambda _m, _p, sent: (200 if sent else 401, "true"), "il ne répond pas comme un serveur Prefect"),
        (
            lambda _m, _p, sent: (200 if sent else 401, holding(OURS, "x")),
            "il ne répond pas comme un serveur",
        ),
        (lambda _m, _p, sent: (500 if sent else 401, holding(OURS)), "il ne répond pas comme un serveur"),
        (lambda *_: (302, ""), "il répond sans demander le secret"),
    ],
)
def test_a_healthy_answer_of_somebody_else_is_refused_in_one_sentence(reply: Reply, reason: str) -> None:
    with serve(reply) as (url, _), pytest.raises(NotOurs) as refused:
        require_ours(url, AUTH, OURS)
    assert reason in str(refused.value)
    assert url in str(refused.value)
    assert "jeton" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nobody_there_is_not_somebody_else() -> None:
    with serve(like_prefect(OURS)) as (url, _):
        pass
    with pytest.raises(Unreachable):
        require_ours(url, AUTH, OURS)


def test_a_server_without_a_name_takes_ours_and_one_with_another_keeps_it() -> None:
    with serve(like_prefect(None)) as (url, _):
        claim(url, AUTH, OURS)
        require_ours(url, AUTH, OURS)
    with serve(like_prefect("autre")) as (url, _), pytest.raises(NotOurs, match="autre"):
        claim(url, AUTH, OURS)


def test_a_campaign_is_refused_before_it_starts_when_the_exported_address_is_not_that_of_its_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = tmp_path / "passage"
    run_dir.mkdir()
    with serve(like_prefect("autre")) as (url, _):
        monkeypatch.setenv("PREFECT_API_URL", url)
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", AUTH)
        monkeypatch.setenv("NONREG_INSTALLATION", OURS)
        with pytest.raises(NotOurs, match="celui de l'installation autre"), flow_process(run_dir, {}):
            pytest.fail("it started")
    assert list(run_dir.iterdir()) == []


def test_an_address_without_an_installation_is_used_as_it_is() -> None:
    check_environment({"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    check_environment({"NONREG_INSTALLATION": OURS})
    with pytest.raises(UsageError, match="PREFECT_API_AUTH_STRING"), serve(like_prefect(OURS)) as (url, _):
        check_environment({"PREFECT_API_URL": url, "NONREG_INSTALLATION": OURS})


@given(
    st.builds(
        Seen,
        st.sampled_from([200, 401, 404, 500]),
        st.sampled_from([None, 200, 401, 404]),
        st.one_of(st.text(), st.just(holding(OURS)), st.text().map(holding)),
    )
)
def test_only_a_server_that_refuses_without_the_secret_and_holds_our_id_is_ours(seen: Seen) -> None:
    ours = seen.open_status == 401 and seen.status == 200 and read_variable(seen.body) == OURS
    assert (judge(seen, OURS) == "") is ours


@given(st.one_of(st.text(), st.recursive(st.none() | st.integers(), st.lists).map(json.dumps)))
def test_no_answer_breaks_the_reading_of_the_variable(body: str) -> None:
    assert read_variable(body) is None


@pytest.mark.parametrize("auth", ["", "jeton", ":jeton", "nom:", "nom:é", "nom:a\nb"])
def test_a_secret_that_prefect_would_not_take_is_refused(auth: str) -> None:
    with pytest.raises(UsageError) as refused:
        split_auth(auth)
    assert isinstance(refused.value, NonregError)


def test_the_secret_is_not_in_the_repr() -> None:
    assert "jeton" not in repr(Access("http://x/api", AUTH, OURS))
