"""The pack of a weekly review or of a COPIL: every figure with its period, its source and its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import quote

from nonreg.model.steering import Figure, Indicator, Pack, PackKind, Period, Proof, Risk, Series, WatchList
from reports import text
from reports.document import (
    Block,
    Cell,
    Charts,
    Column,
    Document,
    Figures,
    Items,
    Paragraph,
    Section,
    Table,
    shorten_on_paper,
)
from reports.markdown import bullets, escape
from reports.steering_charts import draw_columns
from reports.text import NOT_KNOWN, PARIS

TITLES = {PackKind.WEEKLY: "Revue hebdomadaire", PackKind.COPIL: "COPIL"}
# What a chapter holds, by the ids of its indicators.
CHAPTERS = (
    ("demandes", "Demandes", ("delais", "volumes", "backlog", "reouvertures", "anomalies")),
    ("forfait", "Forfait support", ("forfait",)),
    ("non-regression", "Non-régression", ("sante-nr",)),
    ("continuite", "Continuité", ("runbooks", "renforts")),
)
# The strip on the first page: indicator, row, column, words.
STRIP = (
    ("volumes", "Ensemble", "Ouverts", "ouverts dans la période"),
    ("volumes", "Ensemble", "Clos", "clos dans la période"),
    ("backlog", "Ensemble", "Stock", "ouverts à la fin"),
    ("forfait", "Forfait support", "Part", "du forfait"),
    ("sante-nr", "Ensemble", "Taux de réussite", "de tests réussis"),
    ("runbooks", "Disponibilité de la continuité", "Score", "continuité"),
)
ROWS_ON_PAPER, ITEMS_SHOWN, ITEMS_ON_PAPER = 30, 500, 40
ABOVE = "../../"  # from a pack's folder to that of the runs
RISKS = "risques"  # id of what the tool sees by itself
LEGEND = "Entre parenthèses : évolution depuis {}."
FIRST = "Première revue de ce genre : aucune évolution."
ALERTS_SHOWN = 20
MOST_CHARACTERS = 400


def build_steering_page(pack: Pack) -> Document:
    """Return the page: what must be acted upon, the indicators, what is due, and where each figure comes from."""
    pack = fit(pack)
    warnings = pack.list_warnings()
    late = count_late(pack)
    chapters: list[Section] = [_summarise(pack)]
    number = 1
    for anchor, title, ids in CHAPTERS:
        own = [one for one in pack.indicators if one.id in ids]
        number += 1
        chapters += _show_chapter(pack, f"{number}. {title}", anchor, own)
    number += 1
    chapters.append(_show_risks(pack, f"{number}. Risques"))
    number += 1
    watched = tuple(block for one in pack.lists if one.id != RISKS for block in _show_list(one))
    chapters.append(Section("a-suivre", f"{number}. À suivre", watched))
    chapters.append(_show_sources(pack, f"{number + 1}. Périodes, sources et preuves"))
    return Document(
        title=TITLES[pack.kind],
        status=name_period(pack.period),
        subject=f"{pack.title} ({pack.platform})",
        run_id=pack.id,
        generated=text.format_moment(pack.at),
        alerts=(),
        verdict=Cell("à examiner", "!", "warn")
        if warnings or late or pack.missing
        else Cell("aucun", "✓", "ok"),
        conclusion=say_pack(pack),
        reasons=warnings[:ALERTS_SHOWN],
        sections=tuple(chapters),
        verdict_label="Points d'attention",
        run_label="Revue",
        generated_label="établie le",
    )


def fit(pack: Pack) -> Pack:
    """Return the pack with texts that a page can show: nothing unprintable, nothing endless."""
    return text.map_texts(
        text.make_printable(pack), lambda one: text.shorten(one, MOST_CHARACTERS, "voir la source JSON")
    )


def name_period(period: Period) -> str:
    """Return « du 23/11/2026 au 29/11/2026 », both days included."""
    last = period.end.astimezone(PARIS) - timedelta(microseconds=1)
    return f"du {period.start.astimezone(PARIS):%d/%m/%Y} au {last:%d/%m/%Y}"


def count_late(pack: Pack) -> int:
    """Return how many things are past their deadline."""
    return sum(
        item.at is not None and item.at <= pack.at
        for one in pack.lists
        if one.id == "echeances"
        for item in one.items or ()
    )


def say_pack(pack: Pack) -> str:
    """Return the pack in a sentence or two."""
    warnings, late = len(pack.list_warnings()), count_late(pack)
    said = [
        text.plural(warnings, "alerte", "alertes"),
        text.plural(late, "échéance dépassée", "échéances dépassées"),
    ]
    if pack.missing:
        said.append(text.plural(len(pack.missing), "source n.d.", "sources n.d."))
    return f"{', '.join(said)}{'' if said[-1].endswith('.') else '.'}"


def _summarise(pack: Pack) -> Section:
    strip = []
    for indicator, row, column, words in STRIP:
        figure = pack.find(indicator, row, column)
        if figure is not None:
            strip.append((say_value(figure), words, "" if figure.value is not None else "warn"))
    blocks: list[Block] = [Figures(tuple(strip)), Paragraph(_explain_changes(pack))]
    if pack.missing:
        label = "Ce qui n'a pas pu être lu, et reste n.d."
        blocks.append(Items(label, pack.missing))
    return Section("synthese", "1. Synthèse", tuple(blocks))


def _explain_changes(pack: Pack) -> str:
    return LEGEND.format(pack.previous) if pack.previous else FIRST


def _show_chapter(pack: Pack, title: str, anchor: str, indicators: Sequence[Indicator]) -> list[Section]:
    if len(indicators) == 1:
        return [Section(anchor, title, tuple(_show_indicator(pack, indicators[0])))]
    return [
        Section(anchor, title, ()),
        *(
            Section(f"indicateur-{one.id}", one.title, tuple(_show_indicator(pack, one)), level=2)
            for one in indicators
        ),
    ]


def _show_indicator(pack: Pack, indicator: Indicator) -> list[Block]:
    blocks: list[Block] = [Paragraph(warning, "warn", "!") for warning in indicator.warnings]
    blocks.append(_show_figures(indicator))
    for number, series in enumerate(indicator.series, 1):
        blocks += _show_series(series, f"graphique-{indicator.id}-{number}")
    return blocks


def _show_figures(indicator: Indicator) -> Table:
    """Rows and columns of the figures; a last column where something is to be read with them."""
    rows = list(dict.fromkeys(one.row for one in indicator.figures))
    columns = list(dict.fromkeys(one.column for one in indicator.figures))
    known = {(one.row, one.column): one for one in indicator.figures}
    remarks = {row: _list_remarks(one for one in indicator.figures if one.row == row) for row in rows}
    told = any(remarks.values())
    heads = [Column("Sujet", 24), *(Column(one, 16, numeric=True) for one in columns)]
    if told:
        heads.append(Column("Précisions", 26))
    lines = []
    for row in rows:
        if row != rows[0] and all(
            one.value == 0 and not one.change for one in indicator.figures if one.row == row
        ):
            continue
        cells = [Cell(row), *(Cell(_say_figure(known.get((row, column)))) for column in columns)]
        lines.append((*cells, Cell(remarks[row])) if told else tuple(cells))
    left = len(rows) - len(lines)
    note = f"Source : {indicator.source}"
    if left:
        note += f" {text.plural(left, 'ligne', 'lignes')} à zéro et sans évolution, voir chiffres.csv."
    caption = f"Chiffres {name_period(indicator.period)}"
    table = Table(caption, tuple(heads), tuple(lines), empty="Rien à compter.", note=note)
    return shorten_on_paper(table, ROWS_ON_PAPER, "voir la page HTML")


def _list_remarks(figures: Iterable[Figure]) -> str:
    """What is to be read with the figures of a row, and why some are not known."""
    own = tuple(figures)
    why = dict.fromkeys(one.missing for one in own if one.value is None and one.missing)
    found = [f"{NOT_KNOWN} : {', '.join(why)}"] if why else []
    found += [f"{one.column} : {one.detail}" for one in own if one.detail]
    return text.shorten(" ; ".join(found), 300)


def say_value(figure: Figure) -> str:
    """Return a value with its unit, or n.d."""
    return NOT_KNOWN if figure.value is None else text.format_quantity(round(figure.value, 1), figure.unit)


def _say_figure(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.change is None:
        return say_value(figure)
    change = round(figure.change, 1)
    said = f"{'+' if change > 0 else '−'}{text.format_number(abs(change))}" if change else "="
    return f"{say_value(figure)} ({said})"


def _show_series(series: Series, key: str) -> list[Block]:
    """The drawings, one a line, and all their values; a line without any value but 0 is in the table alone.

    A series of which nobody knows anything is one sentence.
    """
    if all(value is None for line in series.lines for value in line.values):
        span = f"de {series.labels[0]} à {series.labels[-1]}" if series.labels else "aucune période"
        return [Paragraph(f"{series.title} : {NOT_KNOWN} ({span}).", "muted", "?")]
    drawn = [one for one in series.lines if any(one.values)] or list(series.lines[:1])
    small = len(drawn) > 1
    charts = tuple(
        draw_columns(
            line.values,
            series.labels,
            f"{key}-{number}",
            f"{series.title} : {line.name}" if len(series.lines) > 1 else series.title,
            f"De {series.labels[0]} à {series.labels[-1]}. Valeurs dans le tableau.",
            small,
        )
        for number, line in enumerate(drawn, 1)
    )
    columns = (Column("Moment", 14), *(Column(one.name, 14, numeric=True) for one in series.lines))
    rows = tuple(
        (Cell(label), *(Cell(_say_number(line.values[place])) for line in series.lines))
        for place, label in enumerate(series.labels)
    )
    return [Charts(charts, small=small), Table(f"{series.title}, valeurs", columns, rows)]


def _say_number(value: float | None) -> str:
    return NOT_KNOWN if value is None else text.format_number(round(value, 1))


def _show_list(watched: WatchList) -> list[Block]:
    if watched.items is None:
        said = f"{watched.title} : {NOT_KNOWN}, aucune source n'a pu être lue ({watched.source})."
        return [Paragraph(said, "warn", "?")]
    rows = tuple(
        (
            Cell(item.title),
            Cell(text.format_day(item.at) if item.at else ""),
            Cell(item.person),
            Cell(item.ticket),
            Cell(item.state),
        )
        for item in watched.items[:ITEMS_SHOWN]
    )
    columns = (
        Column("Sujet", 36),
        Column("Échéance", 14),
        Column("Porteur", 18),
        Column("Ticket", 9),
        Column("État", 23),
    )
    left = len(watched.items) - ITEMS_SHOWN
    more = f" {text.plural(left, 'autre ligne', 'autres lignes')}, voir chiffres.xlsx." if left > 0 else ""
    note = f"Source : {watched.source}.{more}"
    table = Table(watched.title, columns, rows, empty=watched.empty, note=note)
    return [shorten_on_paper(table, ITEMS_ON_PAPER, "voir la page HTML")]


def _show_risks(pack: Pack, title: str) -> Section:
    """What was seen, then what the titulaire declares."""
    found = tuple(block for one in pack.lists if one.id == RISKS for block in _show_list(one))
    if pack.risks is None:
        told = (
            f"Registre des risques : {NOT_KNOWN}. Il se tient dans risks.toml, au dossier de gouvernance "
            "(docs/pilotage.md) ; absent ou faux, rien n'en est repris ici."
        )
        return Section("risques", title, (*found, Paragraph(told, "warn", "?")))
    columns = (
        Column("Réf.", 8),
        Column("Risque", 28),
        Column("Probabilité", 11),
        Column("Impact", 9),
        Column("Action", 24),
        Column("Porteur", 16),
        Column("Revue", 14),
    )
    rows = tuple(
        (
            Cell(one.id),
            Cell(one.title),
            Cell(one.probability.value),
            Cell(one.impact.value),
            Cell(one.action),
            Cell(one.owner),
            _show_review(one, pack),
        )
        for one in pack.risks
    )
    table = Table(
        "Registre des risques",
        columns,
        rows,
        empty="Aucun risque déclaré.",
        note="Source : risks.toml, les plus graves d'abord.",
    )
    return Section("risques", title, (*found, shorten_on_paper(table, ITEMS_ON_PAPER, "voir la page HTML")))


def _show_review(risk: Risk, pack: Pack) -> Cell:
    """When it is looked at again, and whether that day is past."""
    if risk.review is None:
        return Cell(NOT_KNOWN, "?", "warn")
    said = f"{risk.review:%d/%m/%Y}"
    is_past = risk.review < pack.at.astimezone(PARIS).date()
    return Cell(f"{said}, dépassée", "!", "warn") if is_past else Cell(said)


def _show_sources(pack: Pack, title: str) -> Section:
    """Each indicator with its period, its source and a line for each proof."""
    rows = []
    for one in pack.indicators:
        proofs: Sequence[Proof] = one.proofs or (Proof(""),)
        for place, proof in enumerate(proofs):
            first = place == 0
            rows.append(
                (
                    Cell(one.title),
                    Cell(name_period(one.period) if first else ""),
                    Cell(one.source if first else ""),
                    Cell(proof.label, link=ABOVE + quote(proof.path) if proof.path else ""),
                )
            )
    columns = (Column("Indicateur", 20), Column("Période", 20), Column("Source", 34), Column("Preuve", 26))
    note = "Toutes les valeurs : chiffres.csv et chiffres.xlsx, dans le dossier de cette revue."
    return Section("sources", title, (Table("D'où vient chaque chiffre", columns, tuple(rows), note=note),))


def describe_pack(pack: Pack) -> str:
    """Return the pack as Markdown: the strip, the alerts, what is late, what was not read."""
    pack = fit(pack)
    lines = [
        f"# {TITLES[pack.kind]} {name_period(pack.period)}",
        "",
        f"{escape(pack.title)} ({escape(pack.platform)}), état au {text.format_moment(pack.at)}. {say_pack(pack)}",
        "",
    ]
    for indicator, row, column, words in STRIP:
        figure = pack.find(indicator, row, column)
        if figure is not None:
            lines.append(f"- {escape(_say_figure(figure))} {words}")
    lines += ["", escape(_explain_changes(pack)), ""]
    for title, items in (
        ("Alertes", [escape(one) for one in pack.list_warnings()]),
        ("Ce qui n'a pas pu être lu", [escape(one) for one in pack.missing]),
        *((one.title, _describe_items(one)) for one in pack.lists if one.id != "reste-a-faire"),
    ):
        if items:
            lines += [f"## {escape(title)}", "", *bullets(items, ALERTS_SHOWN), ""]
    return "\n".join(lines)


def _describe_items(watched: WatchList) -> list[str]:
    return [
        f"{escape(item.title)} — {text.format_day(item.at) if item.at else NOT_KNOWN} ({escape(item.state)}), "
        f"{escape(item.ticket)} {escape(item.person)}"
        for item in watched.items or ()
    ]
