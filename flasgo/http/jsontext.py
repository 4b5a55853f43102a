"""How deep a JSON text (RFC 8259) nests, found before any of it is decoded.

RFC 8259 §9 lets an implementation limit the depth of nesting. A decoder that recurses spends its stack on depth, and
whoever walks the value recurses again, so depth is refused first. Every pass is one C loop over bytes: the whole is linear
in the length of the text, whatever the text is.
"""

from itertools import accumulate
from typing import Final

_NOT_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'"[]{}')
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # as signed bytes: one level down, one level up
_BLOCK: Final = 1024
"""Bytes looked at together: a block with too few opening brackets to reach the limit is only counted."""


def within_depth(text: bytes, limit: int = 64) -> bool:
    """Tell whether arrays and objects nest at most `limit` levels in this JSON text.

    `[]` and `{}` are one level, a bare scalar is none. Text that is not JSON gets an answer too, and True still promises
    that no decoder goes deeper than `limit` before it meets the mistake.
    """
    # As deep as that takes as many brackets, and most texts have fewer. (On Python 3.11 a copy without them is made in half the time
    # that `bytes.count` takes.)
    if len(text) - len(text.replace(b"[", b"", limit).replace(b"{", b"", limit)) < limit:
        return True
    steps = _outside_strings(text).translate(_STEPS)
    depth = 0
    for start in range(0, len(steps), _BLOCK):
        block = steps[start : start + _BLOCK]
        opened = block.count(1)
        if depth + opened > limit and max(accumulate(memoryview(block).cast("b"), initial=depth)) > limit:
            return False
        depth += 2 * opened - len(block)
    return True


def _outside_strings(text: bytes) -> bytes:
    """The brackets that are structure; a string that never ends reaches to the end of the text."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes that meet change no bracket's side, so dropping them leaves only the strings that hold brackets.
    marks = text.translate(None, _NOT_MARKS).replace(b'""', b"")
    return b"".join(marks.split(b'"')[::2])
