"""Fragments: a page is answered as a whole, or the part of it that `board.js` asks for. Without JavaScript there are only whole pages."""

from typing import Annotated

from flasgo import Header

Fragment = Annotated[str | None, Header(alias="x-fragment")]
"""The part that is asked for, by its name; None for the whole page."""
