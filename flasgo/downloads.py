"""send_file and send_from_directory: files as answers, under the names that users of Flask know."""

import os
from functools import partial
from typing import BinaryIO

from flasgo.errors import NotFound
from flasgo.file_response import FileResponse
from flasgo.http.folders import Folder


def send_file(
    path: str | os.PathLike[str],
    *,
    download_name: str | None = None,
    as_attachment: bool = False,
    mimetype: str | None = None,
    max_age: int | None = None,
    conditional: bool = True,
) -> FileResponse:
    """The file at `path`, which is opened as given: never build it from a client's words, for which there is `send_from_directory`.

    `download_name` (default: the file's own) names the download and, unless `mimetype` does, decides the content type.
    `as_attachment` has browsers save it; whatever visitors have uploaded should be sent so. `max_age` (seconds) lets the
    visitor's own browser keep it, 0 if it asks each time; without it, it is not stored. `conditional=False` sends the whole file
    whatever the request says about versions and ranges.

    Works in async and plain handlers alike: nothing is read before the response is sent. Then a missing file is a 500.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"send_file takes the path of a file, not {type(path).__name__}. "
            "Return Response(data, content_type=…) for bytes in memory, and StreamingResponse(file) for an open file."
        )
    response = FileResponse(
        path,
        content_type=mimetype,
        filename=download_name,
        as_attachment=as_attachment,
        conditional=conditional,
    )
    if max_age is not None:
        if max_age < 0:
            raise ValueError(
                f"max_age={max_age} is negative; give seconds, or 0 for a copy that is asked about each time."
            )
        response.headers["cache-control"] = f"private, max-age={max_age}" if max_age else "private, no-cache"
        response.allow_public_cache = True  # to this extent: `private` keeps it out of shared caches
    return response


def send_from_directory(
    directory: str | os.PathLike[str],
    filename: str,
    *,
    download_name: str | None = None,
    as_attachment: bool = False,
    mimetype: str | None = None,
    max_age: int | None = None,
    conditional: bool = True,
) -> FileResponse:
    """The file `filename` below `directory`, where `filename` may come from a client; the options are those of `send_file`.

    Raises NotFound for everything that is not a regular file there: other directories by `..`, by links or by whole paths, names that
    begin with a dot, names of devices, and what has control characters, backslashes or colons.
    """
    folder = Folder(directory)
    try:
        folder.find(filename)
    except FileNotFoundError:
        raise _not_found() from None
    response = send_file(
        folder.root / filename,
        download_name=download_name,
        as_attachment=as_attachment,
        mimetype=mimetype,
        max_age=max_age,
        conditional=conditional,
    )
    response.opener = partial(_open, folder, filename)
    return response


def _open(folder: Folder, filename: str) -> BinaryIO:
    try:
        return folder.open(filename)
    except FileNotFoundError:
        raise _not_found() from None


def _not_found() -> NotFound:
    return NotFound("There is no such file.")
