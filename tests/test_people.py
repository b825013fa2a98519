"""The people file: what is wrong in it is named; identities of one platform are refused on another."""

from __future__ import annotations

import stat
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.clients.sshsig import load_key_file
from nonreg.config import PLATFORMS_DIR
from nonreg.errors import ConfigError
from nonreg.model import Role
from nonreg.people import GOVERNANCE_DIR, find_reserved_keys, holds_name, load_people
from nonreg.sandbox import identities
from nonreg.sandbox.layout import Layout
from tests.decision_samples import NOW, make_key, make_people, public_line

KEY, OTHER_KEY = public_line(make_key("ed25519", 1)), public_line(make_key("ed25519", 2))
EMBEDDED = GOVERNANCE_DIR / "embarquee"
EMBEDDED_TOKEN = tomllib.loads((PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8"))[
    "identity_token"
]
ONE = f'[[people]]\nid = "titulaire-1"\nname = "Odile Ruisselle"\nrole = "titulaire"\nkeys = ["{KEY}"]\n'
TWO = f'[[people]]\nid = "moa-1"\nname = "Amaury Valbief"\nrole = "moa_scv"\nkeys = ["{OTHER_KEY}"]\n'


def write(folder: Path, text: str) -> Path:
    (folder / "people.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_sound_file_gives_the_people_in_order(tmp_path: Path) -> None:
    dates = "valid_from = 2026-01-01T00:00:00+01:00\nvalid_until = 2027-01-01T00:00:00Z\n"
    people = load_people(write(tmp_path, ONE + dates + TWO), "jeton")
    assert [(person.id, person.role) for person in people.persons] == [
        ("titulaire-1", Role.TITULAIRE),
        ("moa-1", Role.MOA_SCV),
    ]
    assert people.persons[0].valid_until == datetime(2027, 1, 1, tzinfo=UTC)
    assert people.find_owner(OTHER_KEY) is people.find("moa-1")
    assert people.find("inconnue") is None
    assert people.find_owner("ssh-ed25519 AAAA") is None


def test_a_contract_a_promise_and_accounts_are_read_and_may_be_absent(tmp_path: Path) -> None:
    more = 'contract_until = 2027-12-31\nnda_signed_on = 2026-01-05\naccounts = [" p.rivage ", "CORP\\\\rivage"]\n'
    first, second = load_people(write(tmp_path, ONE + more + TWO), "jeton").persons
    assert (first.contract_until, first.nda_signed_on) == (date(2027, 12, 31), date(2026, 1, 5))
    assert first.accounts == ("p.rivage", "CORP\\rivage")
    assert (second.contract_until, second.nda_signed_on, second.accounts) == (None, None, ())


def test_a_key_and_a_role_hold_until_their_end_and_not_from_then_on(tmp_path: Path) -> None:
    end = datetime(2026, 9, 1, tzinfo=UTC)
    more = (
        f'former_keys = [{{ key = "{OTHER_KEY} poste", until = 2026-09-01T00:00:00Z }}]\n'
        'former_roles = [{ role = "renfort_technique", until = 2026-09-01T02:00:00+02:00 }]\n'
    )
    people = load_people(write(tmp_path, ONE + more), "jeton")
    (person,) = people.persons
    before = end - timedelta(seconds=1)
    assert (person.holds(OTHER_KEY, before), person.holds(OTHER_KEY, end)) == (True, False)
    assert (person.find_role(before), person.find_role(end)) == (Role.RENFORT_TECHNIQUE, Role.TITULAIRE)
    assert all(person.holds(KEY, moment) for moment in (before, end))
    assert people.find_owner(OTHER_KEY) is person
    with pytest.raises(ConfigError, match="déjà"):
        load_people(write(tmp_path, ONE + more + TWO), "jeton")  # a former key is nobody else's


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('former_keys = ["x"]', "est attendu"),
        ("former_keys = 3", "est attendu"),
        ('former_keys = [{ key = "ssh-ed25519 AAAA", until = 2026-01-01T00:00:00Z }]', "clé « former_keys »"),
        (f'former_keys = [{{ key = "{OTHER_KEY}", until = 2026-01-01 }}]', "avec fuseau"),
        ('former_roles = [{ role = "roi", until = 2026-01-01T00:00:00Z }]', "« roi » est inconnu"),
        (
            'former_roles = [{ role = "spc_gd", until = 2026-02-01T00:00:00Z }, '
            '{ role = "moa_scv", until = 2026-01-01T00:00:00Z }]',
            "le plus ancien rôle",
        ),
    ],
)
def test_a_former_key_or_role_that_is_none_is_named(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_people(write(tmp_path, f"{ONE}{more}\n"), "jeton")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "au moins une personne"),
        ("people = 3", "au moins une personne"),
        ("people = []", "au moins une personne"),
        ("people = [3]", r"\[\[people\]\] n° 1 : une table"),
        (ONE + 'x = "', "TOML mal formé"),
        ("people = " + "[" * 100_000, "trop de niveaux imbriqués"),
        ("people = " + "9" * 5_000, "un nombre ou une date hors limites"),
        ('personnes = "x"\n' + ONE, "« personnes » inconnue"),
        (ONE + 'mail = "x"\n', r"n° 1 \(« titulaire-1 »\) : clé « mail » inconnue"),
        (ONE.replace("role", "rôle"), "TOML mal formé"),
        (ONE.replace('role = "titulaire"\n', ""), "« role » obligatoire absente"),
        (ONE.replace('"titulaire"', '"chef"'), "« role » : « chef » est inconnu"),
        (ONE.replace('"titulaire"', "3"), "« role » : un texte"),
        (ONE.replace("Odile Ruisselle", " "), "« name » : un texte non vide"),
        (ONE.replace("titulaire-1", "Titulaire 1"), "« id » : minuscules"),
        (ONE.replace("titulaire-1", "a" * 33), "« id » : minuscules"),
        (ONE.replace("titulaire-1", "o-ruisselle"), "« id » : .* le nom n'y entre pas"),
        (ONE.replace(f'["{KEY}"]', f'"{KEY}"'), "« keys » : une liste"),
        (ONE.replace(f'["{KEY}"]', "[3]"), "« keys » : une liste"),
        (ONE.replace(KEY, "ssh-dss AAAA"), "« keys » n° 1 : ce n'est pas une clé publique acceptée"),
        (ONE.replace(KEY, public_line(make_key("rsa-2048"))), "« keys » n° 1 : clé RSA de 2048 bits"),
        (ONE + "valid_until = 2027-01-01T00:00:00\n", "« valid_until » : .* avec fuseau"),
        (ONE + "valid_from = 2027-01-01\n", "« valid_from » : .* avec fuseau"),
        (ONE + 'valid_from = "2027-01-01T00:00:00Z"\n', "« valid_from » : .* avec fuseau"),
        (
            ONE + "valid_from = 2027-01-01T00:00:00Z\nvalid_until = 2027-01-01T00:00:00Z\n",
            "« valid_until » : la fin",
        ),
        (ONE + "contract_until = 2027-12-31T00:00:00Z\n", "« contract_until » : une date sans heure"),
        (ONE + 'nda_signed_on = "2026-01-05"\n', "« nda_signed_on » : une date sans heure"),
        (ONE + 'accounts = "p.rivage"\n', "« accounts » : une liste de noms"),
        (ONE + 'accounts = ["p.rivage", " "]\n', "« accounts » : une liste de noms"),
        (ONE + "accounts = [3]\n", "« accounts » : une liste de noms"),
        (ONE + TWO.replace("moa-1", "titulaire-1"), "« titulaire-1 » : clé « id » : deux personnes"),
        (
            ONE + TWO.replace(OTHER_KEY, KEY),
            "« moa-1 », clé « keys » n° 1 : .* déjà celle de « titulaire-1 »",
        ),
        (ONE.replace(f'"{KEY}"', f'"{KEY}", "{KEY} bis"'), "n° 2 : .* déjà celle de « titulaire-1 »"),
        ('reserved_for = "autre"\n' + ONE, "réservées à une autre plateforme"),
    ],
)
def test_what_is_wrong_is_named_with_the_file_the_entry_and_the_key(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_people(write(tmp_path, text), "jeton")
    assert str(tmp_path / "people.toml") in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lecture impossible \(fichier ou dossier absent\)"):
        load_people(tmp_path, "jeton")
    (tmp_path / "people.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError, match="pas en UTF-8"):
        load_people(tmp_path, "jeton")


def test_validity_begins_with_its_first_instant_and_ends_before_its_last(tmp_path: Path) -> None:
    dates = "valid_from = 2026-01-01T00:00:00Z\nvalid_until = 2027-01-01T00:00:00Z\n"
    person = load_people(write(tmp_path, ONE + dates), "jeton").persons[0]
    start, end, tick = person.valid_from, person.valid_until, timedelta(microseconds=1)
    assert start is not None
    assert end is not None
    assert [person.is_valid(at) for at in (start - tick, start, end - tick, end)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_embedded_people_are_refused_on_another_platform() -> None:
    assert len(load_people(EMBEDDED, EMBEDDED_TOKEN).persons) == len(Role)
    with pytest.raises(ConfigError, match=r"réservées à une autre plateforme"):
        load_people(EMBEDDED, "un-autre-jeton")


@pytest.mark.parametrize("role", Role)
def test_an_embedded_key_copied_into_another_file_is_refused(role: Role, tmp_path: Path) -> None:
    stolen = public_line(identities.derive_key(role))
    text = ONE + TWO.replace(OTHER_KEY, stolen)
    with pytest.raises(
        ConfigError, match=r"« moa-1 », clé « keys » n° 1 : .* réservée à une autre plateforme"
    ):
        load_people(write(tmp_path, text), "jeton")
    assert load_people(write(tmp_path, text), EMBEDDED_TOKEN).find_owner(stolen) is not None


@pytest.mark.parametrize(
    "entries", ["", "people = 3\n", "[[people]]\nkeys = 3\n", '[[people]]\nkeys = ["x"]\n']
)
def test_a_shipped_reserved_file_that_is_not_sound_is_refused_not_forgotten(
    entries: str, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    write(tmp_path / "site", f'reserved_for = "jeton"\n{entries}')
    with pytest.raises(ConfigError, match="site/people"):
        find_reserved_keys(tmp_path)


def test_the_committed_embedded_people_are_the_ones_that_the_sandbox_derives() -> None:
    assert identities.people_file().read_text(encoding="utf-8") == identities.render_people_file()
    assert identities.people_file() == EMBEDDED / "people.toml"
    assert set(find_reserved_keys()) == {public_line(identities.derive_key(role)) for role in Role}


def test_the_embedded_renforts_are_under_contract_with_named_accounts_that_nobody_shares() -> None:
    technical = {"nonreg", "nr_reader", "nr_writer", "consultation"}
    declared: list[str] = []
    for person in load_people(EMBEDDED, EMBEDDED_TOKEN).persons:
        is_renfort = person.role in (Role.RENFORT_TECHNIQUE, Role.RENFORT_PILOTAGE)
        assert len(person.accounts) == (4 if is_renfort else 0)
        assert (person.contract_until is not None) is (person.nda_signed_on is not None) is is_renfort
        declared += person.accounts
    assert len(set(declared)) == len(declared) == 8
    assert not technical & set(declared)


def test_a_provisioned_instance_holds_a_private_key_of_each_person(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    identities.write_identities(layout)
    people = load_people(EMBEDDED, EMBEDDED_TOKEN)
    for person in people.persons:
        file = layout.identities_dir / person.id
        assert (load_key_file(file).public_key,) == person.keys
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {file.name for file in layout.identities_dir.iterdir()} == {person.id for person in people.persons}


@pytest.mark.parametrize(
    "text",
    [
        "validé par Clélia Grand-Vaudé hier",
        "grand vaude, CLELIA",
        '{"par": "c.grand-vaudé@exemple.invalid"}',
        "Vaudé Grand Cle\u0301lia",
        "Mme Vaudé a dit oui",
        "C. Grand\nVaudé",
        "Dr Vaudé",
        "accord de M. Vaudé",
        "accord de M Vaudé",
        "madame de Vaudé",
        "Clélia Marie Grand-Vaudé",
        "Clélia M. Grand-Vaudé",
        "C. M. Grand-Vaudé",
        "C. de Grand-Vaudé",
    ],
)
def test_a_name_is_recognised_however_it_is_written(text: str) -> None:
    assert holds_name(text, "Clélia Grand-Vaudé")


@pytest.mark.parametrize(
    "text",
    [
        *("", "une grande vallée", "Clélia", "le grand C", "C G V", "clelia-1 grand-vaude"),
        *("la clé du grand Vaudé", "Clé grand Vaudé", "Mme Ruisselle", "Mme C", "M."),
        *("à 5 m Vaudé", "Vaudé, 5 mm Grand", "il me Grand", "l'ordre du dr d'ici", "C puis Grand Vaudé"),
        *("Grand-Vaudé, M. le préfet", "Clélia et puis Grand-Vaudé"),
    ],
)
def test_a_text_without_the_name_is_not_taken_for_it(text: str) -> None:
    assert not holds_name(text, "Clélia Grand-Vaudé")


@pytest.mark.parametrize(
    ("name", "found", "not_found"),
    [
        (
            "Odile de Ruisselle",
            ("Odile Ruisselle", "de Ruisselle, Odile", "M. de Ruisselle", "O. de Ruisselle"),
            ("au-delà de 5 m de hauteur", "M. de la Motte", "Odile de l'accueil", "la Ruisselle de demain"),
        ),
        (
            "Jeanne d'Arcey-Motte",
            ("J. d'Arcey-Motte", "Arcey Motte Jeanne", "Mme d’Arcey"),
            ("5 m d'eau à la motte", "l'arcey d'ici"),
        ),
        ("Lise Rivelune", ("L. Rivelune", "Lise Anne Rivelune"), ("à l'amont de Rivelune", "Lise")),
        (
            "Ondine Rivelune",
            ("Ondine Marie Rivelune", "O. M. Rivelune"),
            ("o plus Rivelune", "Ondine 3 Rivelune"),
        ),
        ("Yann Le Du", ("Yann Le Du", "Le Du, Yann", "Mme Yann"), ("Yann", "le cours du Rhône", "M. Le Du")),
        ("Rivelune", ("la Rivelune monte", "RIVELUNE"), ("rivelunette", "rive lune", "r.")),
        ("Maud Lebœuf", ("Maud Leboeuf", "maud LEBŒUF"), ("le bœuf",)),
    ],
)
def test_particles_middle_words_and_names_of_one_word_are_told_apart(
    name: str, found: tuple[str, ...], not_found: tuple[str, ...]
) -> None:
    assert [text for text in found if not holds_name(text, name)] == []
    assert [text for text in not_found if holds_name(text, name)] == []


def test_an_id_may_share_the_small_words_of_a_name_and_a_validity_may_be_open(tmp_path: Path) -> None:
    one = ONE.replace("Odile Ruisselle", "Odile de Ruisselle").replace("titulaire-1", "chef-de-file")
    for key in ("valid_from", "valid_until"):
        load_people(write(tmp_path, f"{one}{key} = 2026-01-01T00:00:00Z\n"), "jeton")


def test_the_person_named_in_a_text_is_found() -> None:
    people = make_people()
    assert people.find_name_in("décidé par Amaury Valbief") is people.find("moa-1")
    assert people.find_name_in("décidé par moa-1") is None
    assert people.persons[0].is_valid(NOW)
