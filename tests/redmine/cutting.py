"""A link to a server that is cut at a chosen request, on the proxy that the outbox's tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from tests.tracker.proxies import Proxy, start_proxy


class Moment(StrEnum):
    """When the link is lost, in the words of the proxy."""

    BEFORE = "down"  # nothing of the request arrives
    HALF = "cut"
    AFTER = "lost"  # the server has answered, and nobody hears it


@dataclass
class Link:
    """What is still to be cut: a request that begins so, when, and what happens then; `cuts` counts."""

    proxy: Proxy
    prefix: str = ""
    moment: Moment = Moment.BEFORE
    happen: Callable[[], None] = lambda: None
    cuts: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What a client is given."""
        return self.proxy.url

    def cut_at(self, prefix: str, moment: Moment, happen: Callable[[], None] = lambda: None) -> None:
        """Cut once, at the next request that begins so; of one that is cut in half, nothing else can happen."""
        self.moment, self.happen, self.prefix = moment, happen, prefix

    def choose(self, request: str) -> str:
        """What becomes of a request."""
        self.requests.append(request)
        if not self.prefix or not request.startswith(self.prefix):
            return ""
        self.prefix = ""
        self.cuts += 1
        if self.moment is Moment.BEFORE:
            self.happen()
        elif self.moment is Moment.AFTER:
            self.proxy.before_answer = self._end
        return self.moment

    def _end(self, _request: str) -> None:
        self.proxy.before_answer = lambda _request: None
        self.happen()


@contextmanager
def start_link(target: int) -> Iterator[Link]:
    """A link to a port of this machine, on another one."""
    with start_proxy(target) as proxy:
        link = Link(proxy)
        proxy.choose = link.choose
        yield link
