"""The tickets of the embedded platform: invented, a few open ones to work for, and one that is closed.

Their numbers are those of the examples of README and docs, so that these can be typed as they are.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from nonreg.model.tracker import Ticket, TicketState
from nonreg.store import write_file
from nonreg.tracker.folder import TICKET
from nonreg.tracker.folder_files import write_ticket

OPENED = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
CLOSED = datetime(2026, 11, 9, 16, 30, tzinfo=UTC)
TITULAIRE = "titulaire-essai"
# Number, kind, title, day due.
TICKETS: tuple[tuple[int, str, str, date | None], ...] = (
    (0, "Suivi", "Campagnes de non-régression (ticket par défaut)", None),
    (3, "Livraison", "Recette de la version 5.2.0 : promotion de la référence", date(2026, 12, 11)),
    (7, "Continuité", "Répétitions des runbooks du dossier d'urgence", date(2026, 12, 18)),
    (9, "Documentation", "Mise à jour de la documentation d'exploitation", date(2027, 1, 15)),
    (
        12,
        "Anomalie",
        "Latence de réplication au-dessus de la limite aux heures de pointe",
        date(2026, 12, 31),
    ),
    (31, "Correction", "Cumuls de pluie au changement d'heure : script SQL à passer", date(2026, 12, 4)),
    (120, "Migration", "Nouveau serveur de base de données : comparaison avant migration", date(2027, 2, 26)),
    (123, "Exercice", "Exercices de haute disponibilité du trimestre", date(2026, 12, 18)),
    (140, "Continuité", "Intégration d'un renfort technique", date(2026, 12, 15)),
)
CLOSED_TICKET = (1, "Installation", "Installation initiale de la plateforme de test")


def write_tickets(folder: Path, prefix: str = "AQ") -> None:
    """Write those that are not there yet."""
    for number, kind, title, due in TICKETS:
        _write(folder, Ticket(f"{prefix}-{number}", title, TicketState.OPEN, "En cours", kind, "Normale", OPENED,
                              OPENED, due=due, assignee=TITULAIRE))  # fmt: skip
    number, kind, title = CLOSED_TICKET
    _write(folder, Ticket(f"{prefix}-{number}", title, TicketState.CLOSED, "Fermé", kind, "Normale", OPENED, CLOSED,
                          closed_at=CLOSED, assignee=TITULAIRE))  # fmt: skip


def _write(folder: Path, ticket: Ticket) -> None:
    file = folder / ticket.reference / TICKET
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, write_ticket(ticket))
