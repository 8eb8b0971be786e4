"""Memory sizes at their boundaries."""

import pytest

from stackproof.sizes import Bytes

MIB = 1024**2
GIB = 1024**3


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1", 1),
        ("1b", 1),
        ("512M", 512 * MIB),
        ("512m", 512 * MIB),
        ("512MB", 512 * MIB),
        ("512 MiB", 512 * MIB),
        (" 1.5g ", 3 * GIB // 2),
        ("0.1k", 102),
        ("2T", 2048 * GIB),
        (536870913, 536870913),
        # More than a float holds exactly.
        ("9007199254740993", 9007199254740993),
    ],
)
def test_parse(text: object, size: int) -> None:
    assert Bytes.parse(text) == size


@pytest.mark.parametrize("text", ["", "2 gigs", "-1", "1e3", "M", "1.M", "5X", None, True, 1.5, -1])
def test_parse_refuses(text: object) -> None:
    with pytest.raises(ValueError, match="expected a size such as 512M or 2G, got"):
        Bytes.parse(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1025, "1.0 KiB"),
        (MIB - 1, "1.0 MiB"),
        (MIB, "1 MiB"),
        (512 * MIB, "512 MiB"),
        (512 * MIB + 1, "512.0 MiB"),
        (1023 * MIB, "1023 MiB"),
        (GIB - MIB // 10, "1023.9 MiB"),
        (GIB - 1, "1.0 GiB"),
        (3 * GIB // 2, "1.5 GiB"),
        (2048 * GIB, "2 TiB"),
    ],
)
def test_str(size: int, text: str) -> None:
    assert str(Bytes(size)) == text
    assert f"{Bytes(size)}" == text
