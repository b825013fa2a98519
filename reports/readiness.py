"""« Disponibilité » : how ready the handover is, on one page that somebody reads in a minute; and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nonreg.model.readiness import Chapter, Grade, Readiness, ReadinessItem, Word
from reports import text
from reports.document import Cell, Column, Document, Figures, Section, Table, shorten_on_paper
from reports.markdown import bullets, escape

TITLE = "Disponibilité de la continuité"
WORDS = {
    Word.READY: Cell(Word.READY.value, "✓", "ok"),
    Word.RESERVES: Cell(Word.RESERVES.value, "!", "warn"),
    Word.NOT_READY: Cell(Word.NOT_READY.value, "✗", "ko"),
}
CONCLUSIONS = {
    Word.READY: "Un renfort peut prendre la suite : rien ne manque.",
    Word.RESERVES: "Un renfort peut prendre la suite ; ce qui suit est à reprendre.",
    Word.NOT_READY: "Un renfort ne pourrait pas prendre la suite comme prévu : ce qui suit manque, ou n'est pas connu.",
}
GRADES = {
    Grade.GOOD: Cell("Conforme", "✓", "ok"),
    Grade.RESERVE: Cell("Réserve", "!", "warn"),
    Grade.MISSING: Cell("Non conforme", "✗", "ko"),
    Grade.UNKNOWN: Cell("n.d.", "?", "ko"),
}
CHAPTERS = {
    Chapter.BINDER: "Dossier d'urgence",
    Chapter.REHEARSALS: "Dernières répétitions des runbooks",
    Chapter.SCENARIOS: "Exercice annuel de chaque scénario d'activation",
    Chapter.RENFORTS: "Renforts",
}
SHORT = {
    Chapter.BINDER: "dossier d'urgence",
    Chapter.REHEARSALS: "répétitions",
    Chapter.SCENARIOS: "scénarios",
    Chapter.RENFORTS: "renforts",
}
RULE = (
    "Une réserve coûte la moitié de ses points, ce qui manque ou n'est pas connu tous ; le plus mauvais point "
    "décide du mot, quel que soit le score."
)
CAUSES_ON_PAPER = 10
COLUMNS = (Column("Sujet", 28), Column("État", 14), Column("Constat", 58))
CAUSES_SHOWN, FOUND_CHARACTERS = 40, 400


def build_readiness_page(readiness: Readiness) -> Document:
    """Return the page: the word, the score, what is lost and how to win it back, then everything that was looked at."""
    readiness = text.make_printable(readiness)
    causes = readiness.list_causes()
    return Document(
        title=TITLE,
        status=f"{readiness.score} / 100",
        subject=f"{readiness.title} ({readiness.platform}), "
        f"version {text.known(readiness.application_version)}",
        run_id=readiness.id,
        generated=text.format_moment(readiness.at),
        alerts=(),
        verdict=WORDS[readiness.word],
        conclusion=f"{readiness.score} sur 100. {CONCLUSIONS[readiness.word]}",
        reasons=(),
        sections=(_show_score(readiness, causes), _show_chapters(readiness)),
        verdict_label="Disponibilité",
        run_label="Mesure",
        generated_label="établie le",
    )


def _show_score(readiness: Readiness, causes: Sequence[ReadinessItem]) -> Section:
    figures = tuple(
        (f"{_format(kept)}/{_format(points)}", SHORT[chapter], "ok" if kept == points else "warn")
        for chapter, kept, points in list_scores(readiness)
    )
    rows = tuple(
        (
            Cell(_format(one.lost)),
            Cell(one.title),
            GRADES[one.grade],
            Cell(text.shorten(one.found, FOUND_CHARACTERS, "voir les valeurs")),
            Cell(one.remedy),
        )
        for one in causes
    )
    columns = (
        Column("Points", 7, numeric=True),
        Column("Sujet", 22),
        Column("État", 14),
        Column("Constat", 24),
        Column("À faire", 33),
    )
    table = Table("Ce qui manque, et comment y remédier", columns, rows, empty="Rien.", note=RULE)
    shown = shorten_on_paper(table, CAUSES_ON_PAPER, "voir la page HTML")
    return Section("score", "1. Score", (Figures(figures), shown))


def list_scores(readiness: Readiness) -> tuple[tuple[Chapter, float, float], ...]:
    """Return the points kept and those there are, by chapter."""
    found = []
    for chapter in Chapter:
        own = [one for one in readiness.items if one.chapter is chapter]
        points = sum(one.points for one in own)
        found.append((chapter, points - sum(one.lost for one in own), points))
    return tuple(found)


def _show_chapters(readiness: Readiness) -> Section:
    tables = []
    for chapter in Chapter:
        own = [one for one in readiness.items if one.chapter is chapter]
        rows = tuple((Cell(one.title), GRADES[one.grade], Cell(one.found)) for one in own)
        table = Table(CHAPTERS[chapter], COLUMNS, rows, empty="Rien n'a été regardé.")
        tables.append(replace(table, on_paper=(_shorten(chapter, own),)))
    return Section("detail", "2. Tout ce qui a été regardé", tuple(tables))


def _shorten(chapter: Chapter, items: Sequence[ReadinessItem]) -> Table:
    """What is good alone, a line a renfort: what is not stands above already, and all of it on one sheet."""
    good = [one for one in items if one.grade is Grade.GOOD]
    lines = [(one.title, one.found) for one in good]
    if chapter is Chapter.RENFORTS:
        persons: dict[str, list[str]] = {}
        for one in good:
            persons.setdefault(one.id.split("/")[1], []).append(one.title.partition(", ")[2])
        lines = [(person, ", ".join(titles)) for person, titles in persons.items()]
    rows = tuple((Cell(title), Cell(found)) for title, found in lines)
    columns = (Column("Conforme", 32), COLUMNS[-1])
    return Table(CHAPTERS[chapter], columns, rows, empty="Rien n'est conforme : voir le § 1.")


def describe_readiness(readiness: Readiness) -> str:
    """Return the measure as Markdown: the word and the score, the points by chapter, what is missing."""
    word = WORDS[readiness.word]
    lines = [
        f"# {word.sign} {escape(say_readiness(readiness))}",
        "",
        f"{escape(readiness.title or readiness.platform)}, "
        f"version {escape(text.known(readiness.application_version))}, "
        f"état au {text.format_moment(readiness.at)}. {CONCLUSIONS[readiness.word]}",
        "",
        *(
            f"- {CHAPTERS[chapter]} : {_format(kept)} sur {_format(points)}"
            for chapter, kept, points in list_scores(readiness)
        ),
        "",
    ]
    causes = readiness.list_causes()
    if causes:
        lines += ["## Ce qui manque", ""]
        lines += bullets(
            [
                f"**{escape(one.title)}** ({GRADES[one.grade].sign} {GRADES[one.grade].text}, "
                f"−{_format(one.lost)}) : {escape(one.found, FOUND_CHARACTERS)} "
                f"*{escape(one.remedy, FOUND_CHARACTERS)}*"
                for one in causes
            ],
            CAUSES_SHOWN,
        )
        lines.append("")
    return "\n".join([*lines, RULE, ""])


def say_readiness(readiness: Readiness) -> str:
    """Return « PRÊT AVEC RÉSERVES, 87 sur 100 »."""
    return f"{readiness.word.value}, {readiness.score} sur 100"


def _format(points: float) -> str:
    return text.format_number(round(points, 1))
