"""The test client and its answers."""

from flasgo.testing.client import TestClient
from flasgo.testing.response import TestResponse

__all__ = ["TestClient", "TestResponse"]
