"""The body of a response: decoded, as text, and with limits on its size."""

import re
import zlib
from collections.abc import Iterable, Iterator

import httpx

from stackproof.probes.http.client.exchange import BODY_CAP, RECEIVED_CAP

# Python has more: some are not text encodings, and some take quadratic time.
_CHARSET = re.compile(
    r"""(?i)charset=["']?(utf-?8|utf-?(?:16|32)(?:-?[bl]e)?|(?:us-)?ascii|iso-?8859-?\d{1,2}"""
    r"""|latin-?1|windows-?125\d|cp\d{3,4}|koi8-[rut]|gbk|gb2312|gb18030|big5(?:-?hkscs)?"""
    r"""|euc-?(?:jp|kr)|shift[_-]?jis)(?=["';\s]|$)"""
)
_CONTENT_TYPE_CAP = 1000
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""The supported content encodings, and the window bits of zlib for each."""
_MAX_ENCODINGS = 5


def read(response: httpx.Response) -> tuple[str, bool]:
    """Return the first `BODY_CAP` bytes of a body as text, and whether it is complete."""
    body = bytearray()
    for part in decoded(response):
        body += part
        if len(body) > BODY_CAP:
            break
    return decode(response, bytes(body)), len(body) <= BODY_CAP


def decode(response: httpx.Response, body: bytes) -> str:
    """Return the first `BODY_CAP` bytes of a body as text, in the charset of the response."""
    charset = _CHARSET.search(response.headers.get("content-type", "")[:_CONTENT_TYPE_CAP])
    return _text(body[:BODY_CAP], charset[1] if charset else "utf-8")


def decoded(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body of a response as it arrives, without its content encodings.

    Raises:
        httpx.DecodingError: it has too many encodings, or is encoded otherwise.
    """
    encodings = response.headers.get_list("content-encoding", split_commas=True)
    known = [each for each in map(str.lower, encodings) if each in _WINDOWS]
    if len(known) > _MAX_ENCODINGS:
        raise httpx.DecodingError(f"a body that is encoded {len(known)} times")
    parts = response.iter_raw()
    for each in reversed(known):
        parts = _inflated(parts, _WINDOWS[each])
    return parts


def _inflated(parts: Iterable[bytes], window: int) -> Iterator[bytes]:
    """Decode one encoding, a limited part at a time: a few bytes can become gigabytes.

    Raises:
        httpx.DecodingError: its headers name another encoding, or it is too long.
    """
    inflater, length = zlib.decompressobj(window), 0
    for compressed in parts:
        while length <= RECEIVED_CAP:
            try:
                inflated = inflater.decompress(compressed, BODY_CAP)
            except zlib.error as error:
                if length or window != _WINDOWS["deflate"]:
                    raise httpx.DecodingError(str(error)) from None
                # Some servers omit the header that the standard requires.
                window = -window
                inflater = zlib.decompressobj(window)
                continue
            yield inflated
            length += len(inflated)
            compressed = inflater.unconsumed_tail
            if inflater.eof or (not compressed and len(inflated) < BODY_CAP):
                break
        else:
            raise httpx.DecodingError(f"a body that becomes longer than {RECEIVED_CAP >> 10} KiB")


def _text(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, errors="replace")
    except LookupError:
        return body.decode(errors="replace")
