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
    errno.EIO: "erreur de lecture ou d'écriture du disque",
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération non permise",
    errno.EROFS: "système de fichiers en lecture seule",
    errno.ENOENT: "fichier ou dossier absent",
    errno.EEXIST: "il existe déjà",
    errno.ENOTDIR: "ce n'est pas un dossier",
    errno.EISDIR: "c'est un dossier",
    errno.ENOTEMPTY: "le dossier n'est pas vide",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ELOOP: "trop de liens symboliques",
    errno.EBUSY: "occupé par un autre programme",
    errno.ETXTBSY: "occupé par un autre programme",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ENFILE: "trop de fichiers ouverts",
    errno.ENOMEM: "plus de mémoire",
    errno.EINVAL: "opération refusée par le système",
    errno.EPIPE: "le lecteur a fermé la sortie",
    errno.ECONNREFUSED: "connexion refusée",
    errno.ECONNRESET: "connexion coupée",
    errno.ETIMEDOUT: "délai dépassé",
    errno.EHOSTUNREACH: "machine injoignable",
    errno.ENETUNREACH: "réseau injoignable",
    errno.EADDRINUSE: "adresse déjà utilisée",
}


def explain_os_error(error: OSError) -> str:
    """What the system refused, without the file: for a sentence that names it already."""
    if error.errno in SYSTEM_ERRORS:
        return SYSTEM_ERRORS[error.errno]
    # strerror is English: the code can be looked up, the words would not be French.
    return f"erreur système {errno.errorcode.get(error.errno or 0, type(error).__name__)}"


def describe_os_error(error: OSError) -> str:
    """What the system refused, and on which file."""
    words = explain_os_error(error)
    return f"{words} : {error.filename}" if error.filename else words


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
            "invalid float value:": "un nombre est attendu, pas",
            "invalid int value:": "un nombre entier est attendu, pas",
            "ambiguous option:": "option ambiguë :",
            "could match": "peut être",
        }.items():
            message = message.replace(english, french)
        self.exit(EXIT_USAGE, f"Erreur : {message} (voir {self.prog} --help).\n")
