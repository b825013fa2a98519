"""Ctrl-C is never lost: Python drops it where it cannot raise, in the callback of an import for one."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import NoReturn

_noted = threading.Event()


def note_interrupts() -> None:
    """From now on an interrupt is noted as well as raised; not outside the main thread, nor where it is ignored."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    ):
        _noted.clear()
        signal.signal(signal.SIGINT, _note)


def _note(_number: int, _frame: FrameType | None) -> NoReturn:
    _noted.set()
    raise KeyboardInterrupt


def raise_noted() -> bool:
    """Raise an interrupt that came since and was dropped, once; always False."""
    if _noted.is_set():
        _noted.clear()
        raise KeyboardInterrupt
    return False
