"""« ssh », « base », « acces »: a running platform answers; each way of not answering has its own remedy."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from nonreg.handover.checks import CHECKS
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from tests.handover.checking import Change, find, list_wrong, make_context, replace
from tests.handover.ssh_servers import serve_hesitation, serve_silence, write_other_key


def test_every_host_and_database_answers_and_nothing_is_shown_of_where(
    sandbox: Layout, tmp_path: Path
) -> None:
    result = CHECKS["acces"](make_context(sandbox, tmp_path))
    assert list_wrong(result) == []
    assert [point.title for point in result.points] == [
        "VPN",
        *(f"SSH vers srv-{name}" for name in "absh"),
        *("Base de SITE-A : compte de lecture", "Base de SITE-A : compte d'écriture"),
        *("Base de SITE-B : compte de lecture", "Base de SITE-B : compte d'écriture"),
    ]
    assert "Linux" in find(result, "srv-a").found
    shown = repr(result)
    assert not any(
        word in shown for word in (sandbox.network, "nr_reader", "nr_writer", *sandbox.secrets().values())
    )


def test_access_is_not_ok_when_any_of_its_three_parts_is_not(sandbox: Layout, tmp_path: Path) -> None:
    changes = {
        "VPN": replace('"http://' + sandbox.network + ".13:8083", '"http://puits.invalid:8083'),
        "SSH vers srv-a": replace("port = 2222", "port = 2999", 1),
        "Base de SITE-B : compte d'écriture": lambda text: (
            text[: text.rindex("nr_writer")] + "absent" + text[text.rindex("nr_writer") + len("nr_writer") :]
        ),
    }
    for title, change in changes.items():
        assert list_wrong(CHECKS["acces"](make_context(sandbox, tmp_path, change))) == [title]


def test_another_host_key_is_not_to_be_insisted_on(sandbox: Layout, tmp_path: Path) -> None:
    lines = (sandbox.root / "known_hosts").read_text(encoding="ascii").splitlines()
    keys = [line.split(" ", 1)[1] for line in lines]
    swapped = [f"{line.split(' ', 1)[0]} {key}" for line, key in zip(lines, keys[1:] + keys[:1], strict=True)]
    for content, words in (("\n".join(swapped), "n'est pas celle"), ("", "n'est pas enregistrée")):
        (tmp_path / "hotes").write_text(content + "\n", encoding="ascii")
        change = replace('"known_hosts"', f'"{tmp_path / "hotes"}"')
        result = CHECKS["ssh"](make_context(sandbox, tmp_path, change))
        assert len(list_wrong(result)) == 4
        assert words in find(result, "srv-b").found
        assert find(result, "srv-b").remedy.startswith("N'insistez pas")


def test_a_refused_key_and_files_that_are_no_keys_have_their_own_remedies(
    sandbox: Layout, tmp_path: Path
) -> None:
    write_other_key(tmp_path / "autre")
    (tmp_path / "texte").write_text("pas une clé\n", encoding="utf-8")
    for name, found, remedy in (
        ("autre", "refuse la clé SSH", "Faites inscrire votre clé publique"),
        ("texte", "Ce n'est pas une clé SSH", "Mettez en place le fichier"),
        ("absente", "introuvable", "Mettez en place le fichier"),
    ):
        change = replace('key_file = "id_ed25519"', f'key_file = "{tmp_path / name}"')
        point = find(CHECKS["ssh"](make_context(sandbox, tmp_path, change)), "srv-a")
        assert not point.ok
        assert found in point.found
        assert point.remedy.startswith(remedy)


def test_a_key_with_a_passphrase_is_said_to_have_one(sandbox: Layout, tmp_path: Path) -> None:
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(tmp_path / "secrete"), passphrase="sésame")
    change = replace('key_file = "id_ed25519"', f'key_file = "{tmp_path / "secrete"}"')
    point = find(CHECKS["ssh"](make_context(sandbox, tmp_path, change)), "srv-a")
    assert "phrase de passe" in point.found
    assert not point.ok


def make_first_host(port: int, known_hosts: Path, seconds: float = 0.5) -> Change:
    """The first host of the file becomes a server of the test's own."""

    def change(text: str) -> str:
        before, host, after = text.partition("[sites.host]")
        block, rest = after.split("[sites.web]", 1)
        lines = [
            line
            for line in block.splitlines()
            if not line.startswith(("address", "port", "known_hosts_file", "timeout_seconds"))
        ]
        lines += [
            'address = "127.0.0.1"',
            f"port = {port}",
            f'known_hosts_file = "{known_hosts}"',
            f"timeout_seconds = {seconds}",
        ]
        return before + host + "\n".join(lines) + "\n[sites.web]" + rest

    return change


@pytest.mark.parametrize("name", ["silence", "hésitation", "coupure", "personne"])
def test_silence_is_no_refusal(sandbox: Layout, tmp_path: Path, name: str) -> None:
    known = tmp_path / "hotes"
    known.write_text("", encoding="ascii")
    servers = {
        "silence": serve_silence(),
        "hésitation": serve_hesitation(known),
        "coupure": serve_hesitation(known, closes=True),
        "personne": serve_silence(),
    }
    with servers[name] as port:
        # A server that hangs up is not waited for: only the silent ones need a short patience.
        change = make_first_host(1 if name == "personne" else port, known, 30.0 if name == "coupure" else 0.5)
        context = make_context(sandbox, tmp_path, change)
        result, revoked = CHECKS["ssh"](context), CHECKS["acces_revoques"](context)
    assert list_wrong(result) == ["SSH vers srv-a"]
    assert "refuse la clé" not in find(result, "srv-a").found
    assert find(result, "srv-a").remedy.startswith("Vérifiez le VPN")
    assert find(revoked, "SSH vers srv-a").found.startswith("Rien n'est prouvé")


@pytest.mark.parametrize(
    ("old", "new", "found", "remedy"),
    [
        ("port = 5432", "port = 5999", "injoignable", "Vérifiez le VPN"),
        ('name = "aquareel"', 'name = "absente"', "n'existe pas", "Vérifiez le nom de la base"),
        ('"AQ_READER_PASSWORD"', '"AQ_ABSENT"', "AQ_ABSENT est absent", "Définissez le secret"),
        (
            '"AQ_READER_PASSWORD"',
            '"AQ_STATION_PASSWORD"',
            "refuse le compte",
            "Vérifiez le compte et la valeur",
        ),
        ('engine = "postgresql"', 'engine = "oracle"', "Moteur de base inconnu", "Définissez le secret"),
    ],
)
def test_a_database_that_does_not_open_has_its_remedy(
    sandbox: Layout, tmp_path: Path, old: str, new: str, found: str, remedy: str
) -> None:
    point = find(
        CHECKS["base"](make_context(sandbox, tmp_path, replace(old, new, 1))), "SITE-A : compte de lecture"
    )
    assert not point.ok
    assert found in point.found
    assert point.remedy.startswith(remedy)


def test_the_database_of_another_platform_is_not_to_be_touched(sandbox: Layout, tmp_path: Path) -> None:
    change = replace('identity_token = "5b0f', 'identity_token = "6b0f')
    result = CHECKS["base"](make_context(sandbox, tmp_path, change))
    assert len(list_wrong(result)) == 2
    point = find(result, "SITE-A : compte de lecture")
    assert "porte le jeton d'une autre plateforme" in point.found
    assert point.remedy.startswith("N'y faites rien")


@pytest.mark.parametrize(
    ("statement", "undo", "account", "found"),
    [
        (
            "GRANT SELECT ON securite.utilisateur TO nr_reader; GRANT USAGE ON SCHEMA securite TO nr_reader",
            "REVOKE ALL ON securite.utilisateur FROM nr_reader; REVOKE ALL ON SCHEMA securite FROM nr_reader",
            "lecture",
            "en trop",
        ),
        (
            "REVOKE SELECT ON cfg.operateur FROM nr_reader",
            "GRANT SELECT ON cfg.operateur TO nr_reader",
            "lecture",
            "manque",
        ),
        (
            "GRANT UPDATE ON cfg.parametre TO nr_writer",
            "REVOKE UPDATE ON cfg.parametre FROM nr_writer",
            "écriture",
            "en trop",
        ),
    ],
)
def test_a_right_that_is_missing_or_beyond_is_found_in_both_directions(
    sandbox: Layout, tmp_path: Path, statement: str, undo: str, account: str, found: str
) -> None:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:
        for one in statement.split("; "):
            admin.execute(one.encode())
        try:
            result = CHECKS["droits"](make_context(sandbox, tmp_path))
        finally:
            for one in undo.split("; "):
                admin.execute(one.encode())
    wrong = list_wrong(result)
    (judged,) = [
        point for point in result.points if point.title in wrong and "SITE-A : droits" in point.title
    ]
    assert account in judged.title
    assert judged.found.startswith(found)
    assert ("Faites donner" if found == "manque" else "Faites retirer") in judged.remedy
    assert not any("SITE-B" in title for title in wrong)
    tried = [title for title in wrong if "ne peut pas" in title]
    assert len(tried) == (0 if found == "manque" else 1)
    assert "nr_" not in repr(result)


def test_rights_that_are_exact_are_ok_and_were_tried(sandbox: Layout, tmp_path: Path) -> None:
    result = CHECKS["droits"](make_context(sandbox, tmp_path))
    assert list_wrong(result) == []
    assert sum(point.found == "Essayé, et refusé par la base." for point in result.points) == 8
    assert len(result.points) == 12


def test_rights_that_cannot_be_asked_are_not_ok(sandbox: Layout, tmp_path: Path) -> None:
    result = CHECKS["droits"](make_context(sandbox, tmp_path, replace("port = 5432", "port = 5999")))
    assert not any(point.ok for point in result.points)
    assert all("Vérifiez d'abord" in point.remedy for point in result.points)
