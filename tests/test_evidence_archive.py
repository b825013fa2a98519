"""A zip of evidence that holds a surprise is refused in one sentence, and nothing of it is left on the disk."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.__main__ import main
from nonreg.evidence import archive
from nonreg.evidence.archive import open_archive, write_archive
from nonreg.evidence.files import EvidenceWrong
from nonreg.evidence.manifest import parse_manifest

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"), exclude_characters="/\\"),
    min_size=1,
    max_size=12,
)


def zip_of(path: Path, *members: str | zipfile.ZipInfo) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that stands twice
        with zipfile.ZipFile(path, "w") as made:
            for one in members:
                made.writestr(one, "x")
    return path


def special(name: str, mode: int) -> zipfile.ZipInfo:
    about = zipfile.ZipInfo(name)
    about.create_system, about.external_attr = 3, mode << 16
    return about


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (("/etc/passwd",), "chemin absolu"),
        (("C:/fichier",), "chemin absolu"),
        (("../fichier",), "sort du dossier"),
        (("a/../../fichier",), "sort du dossier"),
        (("a//b",), "mal formé"),
        (("a\\b",), "sort du dossier ou mal formé"),
        (("a\x1b[2Jb",), "caractère invisible"),
        (("a\u202eb",), "caractère invisible"),
        (("a" * 256,), "est un nom trop long"),
        (("/".join(["a" * 200] * 20),), "est un nom trop long"),
        (("a", "a"), "y est deux fois"),
        (("Rapport.html", "rapport.html"), "ne diffèrent que par la casse"),
        (("Dossier/a", "dossier/b"), "ne diffèrent que par la casse"),
        (("é.txt", "e\u0301.txt"), "écriture des accents"),
        (("a", "a/b"), "un fichier et un dossier"),
        ((special("lien", stat.S_IFLNK | 0o777),), "un lien ou un fichier spécial"),
        ((special("tube", stat.S_IFIFO | 0o644),), "un lien ou un fichier spécial"),
    ],
)
def test_a_name_that_no_evidence_has_is_refused(
    tmp_path: Path, members: tuple[str | zipfile.ZipInfo, ...], sentence: str
) -> None:
    made = zip_of(tmp_path / "p.zip", *members)
    with pytest.raises(EvidenceWrong, match=sentence), open_archive(made):
        pass
    assert main(["verify", str(made)]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["p.zip"]


def test_a_zip_that_is_bigger_inside_than_it_says_or_than_is_accepted_is_refused_while_it_is_read(
    tmp_path: Path,
) -> None:
    made = tmp_path / "bombe.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", b"\0" * (8 << 20))
    assert made.stat().st_size < 1 << 16
    with pytest.raises(EvidenceWrong, match="plus grand que ce qui est accepté"), open_archive(made, 4 << 20):
        pass


def test_a_zip_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    with (
        pytest.raises(EvidenceWrong, match="3 fichiers, 2 au plus"),
        open_archive(zip_of(tmp_path / "p.zip", "a", "b", "c")),
    ):
        pass


def test_an_archive_that_would_be_refused_elsewhere_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    monkeypatch.setattr(archive, "MAX_BYTES", 3)
    (tmp_path / "b").write_bytes(b"22")
    many: dict[str, Path | bytes] = {"a": b"", "b": b"", "c": b""}
    large: dict[str, Path | bytes] = {"a": b"11", "b": tmp_path / "b"}
    for files, sentence in ((many, "3 fichiers"), (large, "plus de")):
        with pytest.raises(EvidenceWrong, match=sentence):
            write_archive(tmp_path / "p.zip", files)
    assert not (tmp_path / "p.zip").exists()


def shift_directory(content: bytes) -> bytes:
    """The end places the list of members further than it is: the members are then before the file's beginning."""
    changed = bytearray(content)
    changed[-6:-2] = (int.from_bytes(changed[-6:-2], "little") + 40).to_bytes(4, "little")
    return bytes(changed)


def empty_name(content: bytes) -> bytes:
    """The list of members names one of no letter; the letter that it had comments it."""
    changed, place = bytearray(content), content.index(b"PK\x01\x02")
    changed[place + 28], changed[place + 32] = 0, 1
    return bytes(changed)


def encrypt(content: bytes) -> bytes:
    """The bit that says so, in both headers of the only member."""
    changed = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[content.index(mark) + place] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: b"", "pas un zip entier"),
        (lambda content: b"bonjour", "pas un zip entier"),
        (lambda content: content[:-10], "pas un zip entier"),
        (shift_directory, "pas un zip entier"),
        (empty_name, "pas un zip entier"),
        (encrypt, "chiffré"),
    ],
)
def test_what_is_no_whole_zip_is_refused(
    tmp_path: Path, change: Callable[[bytes], bytes], sentence: str
) -> None:
    made = zip_of(tmp_path / "p.zip", "a")
    made.write_bytes(change(made.read_bytes()))
    with pytest.raises(EvidenceWrong, match=sentence), open_archive(made):
        pass


def test_a_zip_that_seals_nothing_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(zip_of(tmp_path / "p.zip", "a/b/c/d/manifest.json"))]) == 1
    assert "rien de scellé" in capsys.readouterr().out


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=6))
def test_what_is_written_is_read_back_or_its_name_was_refused(files: dict[str, bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "p.zip"
        try:
            write_archive(target, files)
        except EvidenceWrong:
            assert not target.exists()
            return
        first = target.read_bytes()
        write_archive(target, dict(reversed(files.items())))
        assert target.read_bytes() == first
        with open_archive(target) as folder:
            assert {one.name: one.read_bytes() for one in folder.iterdir()} == files


@given(st.binary(max_size=300))
def test_any_bytes_are_a_manifest_or_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(EvidenceWrong):
        parse_manifest(content)


@pytest.mark.parametrize(
    "content", [b"[" * 5000, b"{}", b"null", b'{"format": "aquareel-manifeste/2"}', b"1e999"]
)
def test_json_that_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceWrong):
        parse_manifest(content)


def test_a_central_directory_that_names_another_file_than_its_header_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("aaaa", "x")
    content = stream.getvalue()
    (tmp_path / "p.zip").write_bytes(content[:60] + content[60:].replace(b"aaaa", b"bbbb"))
    with pytest.raises(EvidenceWrong), open_archive(tmp_path / "p.zip"):
        pass
