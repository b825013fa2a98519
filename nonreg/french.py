"""argparse and the system's own errors in French: headings, sentences, and exit code 3 for a wrong use."""

from __future__ import annotations

import argparse
import errno
from typing import NoReturn

EXIT_USAGE = 3
SYSTEM_ERRORS = {
    errno.ENOSPC: "plus de place sur le disque",
    errno.EDQUOT: "quota de disque atteint",
    errno.EFBIG: "taille de fichier maximale atteinte",
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération non permise",
    errno.EROFS: "système de fichiers en lecture seule",
    errno.ENOENT: "fichier ou dossier absent",
    errno.ENOTDIR: "ce n'est pas un dossier",
    errno.EISDIR: "c'est un dossier",
}


def describe_os_error(error: OSError) -> str:
    """What the system refused, and on which file."""
    words = SYSTEM_ERRORS.get(error.errno or 0, error.strerror or str(error))
    return f"{words} : {error.filename}" if error.filename else f"{words}"


class FrenchParser(argparse.ArgumentParser):
    """argparse with French words, and usage errors as one sentence with exit code 3."""

    def __init__(self, **options: object) -> None:
        super().__init__(add_help=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)  # type: ignore[arg-type]
        self._positionals.title, self._optionals.title = "arguments", "options"
        self.add_argument("-h", "--help", action="help", help="afficher cette aide et quitter")

    # "usage:" is not translatable through argparse.
    def format_usage(self) -> str:
        return super().format_usage().replace("usage:", "utilisation :")

    def format_help(self) -> str:
        return super().format_help().replace("usage:", "utilisation :")

    def error(self, message: str) -> NoReturn:
        """Refuse in one sentence."""
        for english, french in {
            "unrecognized arguments:": "options inconnues :",
            "the following arguments are required:": "arguments obligatoires absents :",
            "expected one argument": "une valeur est attendue",
            "expected at least one argument": "au moins une valeur est attendue",
            "argument ": "option ",
            "invalid choice:": "choix inconnu :",
            "choose from": "parmi",
            "ambiguous option:": "option ambiguë :",
            "could match": "peut être",
        }.items():
            message = message.replace(english, french)
        self.exit(EXIT_USAGE, f"Erreur : {message} (voir {self.prog} --help).\n")
