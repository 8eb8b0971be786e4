"""Bodies are decoded as their headers say, and never become too long."""

import gzip
import zlib
from functools import partial

import pytest

from stackproof.probes.http.client.exchange import BODY_CAP
from tests.probes.http.raw_server import request, respond

_gzip = partial(gzip.compress, mtime=0)  # or the output would depend on the time
BOMB = _gzip(bytes(64 << 20))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", BOMB),
        ("gzip, gzip", _gzip(BOMB)),
        ("deflate", zlib.compress(bytes(9999999))),
    ],
)
def test_a_body_that_grows_is_read_as_far_as_is_kept(encoding: str, body: bytes) -> None:
    response = request(respond(body, Content_Encoding=encoding))
    assert (response.error, response.body, response.whole) == (None, "\0" * BODY_CAP, False)


def test_a_body_that_grows_on_the_way_to_itself_is_refused() -> None:
    empty_blocks = zlib.compress(_gzip(b"")[:10] + b"\0\0\0\xff\xff" * 1_000_000)
    response = request(respond(empty_blocks, Content_Encoding="gzip, deflate"))
    assert response.error == "a body that becomes longer than 512 KiB"
    response = request(respond(b"x", Content_Encoding="gzip," * 5000))
    assert response.error == "a body that is encoded 5000 times"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", _gzip(b"fine")),
        ("x-gzip", _gzip(b"fine")),
        ("GZIP, gzip", _gzip(_gzip(b"fine"))),
        ("deflate", zlib.compress(b"fine")),
        ("deflate", zlib.compress(b"fine", wbits=-15)),
        ("identity", b"fine"),
    ],
    ids=["gzip", "x-gzip", "twice", "deflate", "deflate without its header", "identity"],
)
def test_encodings_are_undone(encoding: str, body: bytes) -> None:
    assert request(respond(body, Content_Encoding=encoding)).body == "fine"


@pytest.mark.parametrize(
    "charset",
    [
        "rot13", "hex", "undefined", "idna", "punycode", "utf-7", "unicode_escape", "\\0", "os",
        "raw_unicode_escape", "iso-8859-99", "unknown", "", "x" * 5000,
    ],
)  # fmt: skip
def test_a_charset_that_is_none_leaves_utf_8(charset: str) -> None:
    response = request(respond(b"fine \xc3\xa9", Content_Type=f"text/html; charset={charset}"))
    assert (response.error, response.body) == (None, "fine é")


@pytest.mark.parametrize(
    ("charset", "body"),
    [("ISO-8859-1", b"\xe9"), ('"windows-1252"', b"\xe9"), ("utf-16", "é".encode("utf-16"))],
)
def test_a_charset(charset: str, body: bytes) -> None:
    assert request(respond(body, Content_Type=f"text/html; charset={charset}")).body == "é"
