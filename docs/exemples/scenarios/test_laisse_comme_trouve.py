"""The checks that prove, after the drills of this folder, that the platform is left as found: the shipped ones."""

from nonreg.scenarios.hd.test_egalite import *  # noqa: F403
from nonreg.scenarios.hd.test_replication import *  # noqa: F403
from nonreg.scenarios.hd.test_roles import *  # noqa: F403
