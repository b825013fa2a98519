"""What faults share: a dead-man timer that is gone once its fault is healed."""

from __future__ import annotations

import pytest

from nonreg.clients.ssh import open_shell
from nonreg.config import load_platform
from nonreg.errors import RequestFailed
from nonreg.faults.timers import cancel_timer
from nonreg.model import SiteRole
from nonreg.sandbox.layout import Layout


def test_a_timer_that_fired_already_is_no_error_and_one_that_stays_is(sandbox: Layout) -> None:
    platform = load_platform(str(sandbox.platform_file))
    with open_shell(platform, platform.site(SiteRole.PASSIF).host) as shell:
        shell.run("service_start_later", seconds=60, timer="nonreg-essai", service="client").require()
        cancel_timer(shell, "nonreg-essai")
        cancel_timer(shell, "nonreg-essai")  # gone, as after it fired
        with pytest.raises(RequestFailed, match="timer"):
            cancel_timer(shell, "un nom refusé")
