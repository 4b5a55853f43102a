"""What the type checkers know of forms, dependencies and background tasks: they read this file, nothing runs it."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, assert_type

from msgspec import Struct

from flasgo import BackgroundTasks, Depends, File, Flasgo, Form, FormData, UploadedFile, request

app = Flasgo()


class Upload(Struct):
    title: str
    document: UploadedFile
    pictures: list[UploadedFile]


async def database() -> AsyncIterator[int]:
    yield 1


def name(database: Annotated[int, Depends(database, scope="app")]) -> Iterator[str]:
    assert_type(database, int)
    yield ""


@app.post("/", max_file_bytes=1000)
async def handler(
    upload: Annotated[Upload, Form()],
    note: Annotated[str | None, Form()],
    files: Annotated[list[UploadedFile], File(alias="file")],
    cover: UploadedFile | None,
    form: FormData,
    name: Annotated[str, Depends(name, use_cache=False)],
    tasks: BackgroundTasks,
) -> None:
    assert_type(upload.document, UploadedFile)
    assert_type(note, str | None)
    assert_type(files, list[UploadedFile])
    assert_type(cover, UploadedFile | None)
    assert_type(form.getlist("a"), list[str])
    assert_type(form.filelist("a"), list[UploadedFile])
    assert_type(await upload.document.read(), bytes)
    assert_type(name, str)
    tasks.add(print, name, sep="")
    tasks.add(handler_done, 1, word="")
    tasks.add(handler_done, "1", word="")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type] - it takes an int
    request.background.add(handler_done, 1, word="")
    async for piece in upload.document:
        assert_type(piece, bytes)


async def handler_done(number: int, *, word: str) -> None: ...


with app.override_dependencies({database: lambda: 1}):
    pass

Depends(database, scope="session")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type] - request or app
