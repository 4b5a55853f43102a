"""What can be set: every setting of flasgo, and where the shop keeps its data."""

from collections.abc import Mapping
from types import MappingProxyType

from flasgo import Settings

DESCRIPTION = """\
Books and their authors are for everyone to read. To order, to review or to run the shop, **Authorize** with one of the tokens:

| token | whose | may |
| --- | --- | --- |
| `token-of-ada` | Ada, a reader | order and review |
| `token-of-bob` | Bob, a reader | order and review |
| `token-of-eve` | Eve, the shopkeeper | change books and authors, remove reviews |
"""

TAGS = MappingProxyType(
    {
        "books": "What is for sale, and what it looks like.",
        "authors": "Who wrote it.",
        "reviews": "What readers say: one review of each book.",
        "orders": "What readers buy. Nobody sees the orders of others.",
    }
)


class ShopSettings(Settings, frozen=True):
    """`FLASGO_DATA_FOLDER=shop flasgo run app.py` keeps the data; without it they are gone when the server stops."""

    DATA_FOLDER: str = ""
    ENABLE_DOCS: bool = True
    API_TITLE: str = "Bookshop"
    API_VERSION: str = "1.0.0"
    API_DESCRIPTION: str = DESCRIPTION
    API_TAGS: Mapping[str, str] = TAGS
