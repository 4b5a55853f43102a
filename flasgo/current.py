"""The ContextVar that holds the request in hand, below the Request itself: what it is made of may ask, too."""

from contextvars import ContextVar
from typing import Any

current: ContextVar[Any] = ContextVar("flasgo.request")
"""A Request, always; its module stands above this one, so whoever asks says it to the type checkers."""
