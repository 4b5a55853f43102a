"""What holds for every test."""

import pytest
from hypothesis import settings

from flasgo.lifespan import warn_of_random_key

# How long an example takes is the machine's business: no test measures time.
settings.register_profile("flasgo", deadline=None)
settings.load_profile("flasgo")


@pytest.fixture(scope="session", autouse=True)
def _the_random_key_is_known() -> None:
    """The warning about a random SECRET_KEY comes once in a process: here, not in whichever test happens to be the first."""
    warn_of_random_key()
