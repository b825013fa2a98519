"""Handover: runbooks, their executions, their checks."""

import pytest

pytest.register_assert_rewrite("tests.handover.kill_checks")  # what was found is told as in a test
