"""Every example of README and docs is run, every relative link leads somewhere; see conftest.py for what the blocks mean."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")

Run = Callable[[Path], None]

names = [str(document.relative_to(ROOT)) for document in DOCUMENTS]


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_the_examples_of_a_document_do_what_it_says(document: Path, run: Run) -> None:
    run(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text()) if "://" not in link]

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_index_leads_to_every_page_and_example() -> None:
    index = ROOT / "docs" / "index.md"
    led_to = {(index.parent / link).resolve() for link in LINK.findall(index.read_text()) if "://" not in link}
    pages = {path for pattern in ("docs/**/*.md", "examples/*/README.md") for path in ROOT.glob(pattern)} - {index}

    assert [str(page.relative_to(ROOT)) for page in sorted(pages - led_to)] == [], (
        "docs/index.md needs a line for these"
    )


def test_the_documents_are_found() -> None:
    assert {"README.md", "docs/explanation/lifecycle.md", "examples/quickstart/README.md"} <= set(names)


def test_the_first_two_commands_of_the_readme_serve_and_test() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)

    assert blocks[:2] == [
        "python3 -m pip install -q uv && python3 -m uv run flasgo run examples/quickstart/app.py\n",
        "python3 -m pip install -q uv && python3 -m uv run pytest -n auto\n",
    ]


@pytest.fixture
def document(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "document.md"
        path.write_text(text)
        return path

    return write


Write = Callable[[str], Path]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```python\nx = 1\n```\n\n```python\nassert x == 2, 'not two'\n```\n", "not two"),
        ("```sh\ntrue\nfalse  # why\n```\n", "document.md:2: `false` ended with 1"),
        ("```console\n$ echo one two\none three\n```\n", "one two"),
        ("```console\n$ echo one\none\n$ echo two\n```\n", "`echo two` prints"),
        ("```console\n$ flasgo run nowhere.py\nflasgo: serving ...\n```\n", "no Python file 'nowhere.py'"),
        ("```console\necho one\n```\n", "a console block begins"),
        ("```\none\n```\n", "needs a language"),
        ("```bash\none\n```\n", "nobody knows how to run 'bash'"),
        ("```text\none\n", "a fence is not closed"),
    ],
)
def test_a_document_that_is_wrong_is_caught(text: str, fault: str, document: Write, run: Run) -> None:
    with pytest.raises(AssertionError, match=re.escape(fault)):
        run(document(text))


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```\n\n```python\nassert x == 1\n```\n",
        '```python title="greet.py"\nprint("hello")\n```\n\n```console\n$ python greet.py\nhello\n```\n',
        "```console\n$ echo one two three\none ... three\n$ printf 'a\\nb\\nc'\na\n...\n```\n",
        "```console\n$ echo \\\n    one\none\n```\n",
        "```sh\n# a remark\necho one \\\n    two\n```\n",
        "<!-- not run: it fails on purpose -->\n```sh\nfalse\n```\n\n```sh\ntrue\n```\n",
        "<!-- a remark -->\n```sh\ntrue\n```\n\n<!-- not run: it fails on purpose -->\n\n```sh\nfalse\n```\n",
        "```text\nanything\n```\n",
    ],
)
def test_a_document_that_is_right_passes(text: str, document: Write, run: Run) -> None:
    run(document(text))
