"""What holds for every test."""

import pytest

from flasgo.lifespan import warn_of_random_key


@pytest.fixture(scope="session", autouse=True)
def _the_random_key_is_known() -> None:
    """The warning about a random SECRET_KEY comes once in a process: here, not in whichever test happens to be the first."""
    warn_of_random_key()
