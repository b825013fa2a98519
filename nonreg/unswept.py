"""The first plugin of our pytest: nothing that is being loaded is garbage, nor will any of it be.

Looking for garbage meanwhile takes a tenth of the loading, and at the end as long as writing the report's HTML.
"""

from __future__ import annotations

import gc

gc.disable()


def pytest_collection_finish() -> None:
    """From here on only what is made anew is looked at."""
    gc.freeze()
    gc.enable()
