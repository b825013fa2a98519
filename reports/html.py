"""The document as one HTML page that needs nothing else."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reports.document import Document


def write_html(document: Document) -> str:
    """Return the page; every text is escaped by the template engine."""
    return _load_template().render(document=document) + "\n"


@cache
def _load_template() -> Template:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("rapport_a2.html.j2")
