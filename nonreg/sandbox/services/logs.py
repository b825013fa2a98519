"""Logs of the application: one line an event, UTC to the millisecond, level in French."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType

LEVELS = {
    logging.DEBUG: "DETAIL",
    logging.INFO: "INFO",
    logging.WARNING: "AVERTISSEMENT",
    logging.ERROR: "ERREUR",
    logging.CRITICAL: "CRITIQUE",
}


class OneLine(logging.Formatter):
    """`2026-11-23T14:05:00.123Z NIVEAU message`; line ends inside a message are shown, not obeyed."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def open_log(path: Path, logger_name: str) -> logging.Logger:
    """Send the process's log to its file, unhandled errors of threads included."""
    for level, name in LEVELS.items():
        logging.addLevelName(level, name)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("asyncssh", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logger = logging.getLogger(logger_name)

    def log_thread_error(args: threading.ExceptHookArgs) -> None:
        error: tuple[type[BaseException], BaseException, TracebackType | None] | None = (
            (args.exc_type, args.exc_value, args.exc_traceback) if args.exc_value else None
        )
        logger.critical("erreur imprévue", exc_info=error)

    threading.excepthook = log_thread_error
    return logger
