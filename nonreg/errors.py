"""Errors of the project; every message is one French sentence that a user can act on.

    NonregError
    ├── UsageError                 wrong option, file or selection: nothing was planned (exit code 3)
    │   └── ConfigError            a file that cannot be read as what it should be
    ├── NotOnEngine                a question that has no sense on this database engine: NON_APPLICABLE, with its reason
    ├── DecisionRefused            a signed decision that does not hold: forged, expired, of another person…
    ├── LedgerBroken               the ledger is not what was written: `line` and `reason` say where
    ├── DrillRefused               a drill that is not approved, or cannot begin: nothing was broken
    │   └── PlatformBusy           somebody else works on the platform: it may be waited for
    ├── NeedsPerson                a fault that only a person can heal is still there; the text instructs
    ├── InterventionBlocked        a sensitive intervention may not begin: no GO, or one that no longer holds
    └── PlatformError              the platform did not let itself be observed: INCONCLUSIF, never KO
        ├── Unreachable            no route, refused, timed out
        │   └── NotSent            the same, and nothing of the request left: it had no effect
        ├── AccessDenied           wrong password, key or right
        ├── HostKeyMismatch        the SSH host is not the one that was recorded
        ├── CertificateRefused     a server whose certificate nobody here vouches for
        └── RequestFailed          the request itself was answered with an error
            └── Thrown             the script itself said that something is wrong (THROW): a finding, where one is due

Third-party errors are translated once, in `nonreg.clients`.
"""

from __future__ import annotations


class NonregError(Exception):
    """Root of the project's errors; `str()` is shown to users as it is."""


class UsageError(NonregError):
    """What was asked cannot be planned."""


class ConfigError(UsageError):
    """A configuration or data file is not what it should be."""


class NotOnEngine(NonregError):
    """The platform's database engine has nothing to answer this with; the text is the reason."""


class DecisionRefused(NonregError):
    """A signature or a decision is not what it must be; nothing may be done in its name."""


class LedgerBroken(NonregError):
    """The chain or a witness contradicts the ledger; `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"Registre rompu, ligne {line} : {reason}.")
        self.line = line
        self.reason = reason


class DrillRefused(NonregError):
    """A drill without an approval that holds, or on a platform where it may not be done."""


class PlatformBusy(DrillRefused):
    """A campaign, a drill or a healing is under way on the platform; it ends by itself."""


class NeedsPerson(NonregError):
    """What is left to heal needs a person; the message is the instruction."""


class InterventionBlocked(NonregError):
    """A sensitive intervention has no GO decision that holds."""


class PlatformError(NonregError):
    """The platform could not be observed; a scenario that meets it is INCONCLUSIF."""


class Unreachable(PlatformError):
    """No answer from a server: no route, connection refused or deadline passed."""


class NotSent(Unreachable):
    """No connection in the first place: the request did not leave, so that it had no effect."""


class AccessDenied(PlatformError):
    """The server answered and refused the account, the key or the right."""


class HostKeyMismatch(PlatformError):
    """The SSH server's key differs from the recorded one: maybe another machine."""


class RequestFailed(PlatformError):
    """The server understood the connection but could not serve the request."""


class CertificateRefused(PlatformError):
    """The server's certificate is not one that is trusted here: maybe another machine."""


class Thrown(RequestFailed):
    """A script's own THROW or RAISE; `words` is what it said."""

    def __init__(self, message: str, words: str) -> None:
        super().__init__(message)
        self.words = words
