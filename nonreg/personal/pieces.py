"""A file of any size as texts that can be searched one after the other: they overlap, so that no name is cut."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PIECE_BYTES = 1 << 20
OVERLAP = 4096  # characters: far longer than any writing of a name
UTF8, WINDOWS = "utf-8", "cp1252"


def read_pieces(file: IO[bytes], piece_bytes: int = PIECE_BYTES) -> Iterator[str]:
    """The texts of a stream. A text of Windows too: UTF-16 with its mark, or one byte a letter where it is no UTF-8."""
    head = file.read(piece_bytes)
    decoders: list[codecs.IncrementalDecoder]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoders = [codecs.getincrementaldecoder("utf-16")("replace")]
    else:
        decoders = [codecs.getincrementaldecoder(one)("replace") for one in (UTF8, WINDOWS)]
    strict = codecs.getincrementaldecoder(UTF8)("strict")
    is_utf8 = len(decoders) > 1
    kept = ["" for _ in decoders]
    content, following = head, file.read(piece_bytes)
    while True:
        last = not following
        if is_utf8:
            try:
                strict.decode(content, last)
            except UnicodeDecodeError:
                is_utf8 = False
        for number, decoder in enumerate(decoders):
            text = kept[number] + decoder.decode(content, last)
            end = len(text) if last else _find_blank(text)
            kept[number] = text[_find_start(text, end) :]
            if number == 0 or not is_utf8:
                yield text[:end]
        if last:
            return
        content, following = following, file.read(piece_bytes)


def _find_blank(text: str) -> int:
    """The last blank, so that no word ends where the piece does; the end of a text without one."""
    place = max(text.rfind(one, max(0, len(text) - OVERLAP)) for one in " \n")
    return place if place > 0 else len(text)


def _find_start(text: str, end: int) -> int:
    """Where the next piece begins: far enough before the end of this one, at a blank if there is one."""
    start = max(0, end - OVERLAP)
    place = min((one for one in (text.find(sign, start, end) for sign in " \n") if one >= 0), default=start)
    return place


def is_text(path: Path) -> bool:
    """True for a file that can be written again as text."""
    decoder = codecs.getincrementaldecoder(UTF8)("strict")
    try:
        with path.open("rb") as file:
            while content := file.read(PIECE_BYTES):
                if "\0" in decoder.decode(content):
                    return False
            decoder.decode(b"", final=True)
    except (OSError, UnicodeDecodeError):
        return False
    return True
