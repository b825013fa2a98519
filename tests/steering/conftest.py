"""The governed platform of the reviews: its tracker, what its site declares, and when its documents were read."""

from __future__ import annotations

import pytest

from tasks.handover_work import Work, make_work
from tests.governed import Governed
from tests.handover.prepared import EMBEDDED
from tests.steering.samples import write_tracker


@pytest.fixture
def work(governed: Governed) -> Work:
    write_tracker(governed)
    for name in ("site.toml", "reviews.toml"):
        (governed.governance / name).write_bytes((EMBEDDED / name).read_bytes())
    return make_work(str(governed.platform_file), governed.runs_dir)
