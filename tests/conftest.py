"""What holds for every test."""

import sys
from collections.abc import Callable
from time import thread_time

import pytest
from hypothesis import HealthCheck, settings

from flasgo.lifespan import warn_of_random_key

# How long an example takes says more of the machine than of the code: what must be cheap is asked with `costs_at_most`.
settings.register_profile("flasgo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("flasgo")

TRACED = 10
"""How many times longer code may take while its coverage is measured."""


@pytest.fixture(scope="session", autouse=True)
def _the_random_key_is_known() -> None:
    """The warning about a random SECRET_KEY comes once in a process: here, not in whichever test happens to be the first."""
    warn_of_random_key()


@pytest.fixture(scope="session")
def costs_at_most() -> Callable[[float, Callable[[], object]], None]:
    """Does some work, and fails if it costs more than so many seconds of this thread's own processor time, three times over.

    It does not matter what else the machine does. The bound is ten times what is needed, or more: it finds what blows up.
    """

    def check(seconds: float, work: Callable[[], object]) -> None:
        traced = sys.gettrace() is not None or (sys.version_info >= (3, 12) and sys.monitoring.get_tool(1) is not None)
        bound = seconds * (TRACED if traced else 1)
        taken = []
        for _ in range(3):
            started = thread_time()
            work()
            taken.append(thread_time() - started)
            if taken[-1] < bound:
                return
        pytest.fail(f"took {min(taken):.3f} s of processor time, where {bound} s are ten times what is needed")

    return check
