"""Every line is owned by exactly one range, whatever the bytes and the ranges are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core import ranges
from functions.shared.core.ranges import LARGEST_LINE, Line, Lines, bounds_of, ranges_in

FILES = st.lists(
    st.sampled_from([b"\n", b"\r\n", b"a", b"bc", b"", b"\xff", b"\xef\xbb\xbf", b"0123456789"]),
    max_size=60,
).map(b"".join) | st.binary(max_size=200)
SIZES = st.integers(1, 40)


def owned(data: bytes, begin: int, end: int, pieces: int) -> list[Line]:
    """The lines of a range, read as a worker reads them: in pieces, from the byte before it."""
    aligned = begin == 0
    lines = Lines(begin - (not aligned), end, aligned=aligned)
    return list(_fed(lines, data, begin - (not aligned), pieces))


def _fed(lines: Lines, data: bytes, at: int, pieces: int) -> Iterator[Line]:
    while at < len(data) and not lines.done:
        yield from lines.feed(data[at : at + pieces])
        at += pieces
    if at >= len(data):
        yield from lines.finish()
    assert lines.done


def whole(data: bytes) -> list[bytes]:
    """The lines of a file, the plain way."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@given(FILES, SIZES, SIZES)
def test_every_line_is_owned_once_and_in_order(data: bytes, size: int, pieces: int) -> None:
    found = [
        line
        for number in range(ranges_in(len(data), size))
        for line in owned(data, *bounds_of(number, len(data), size), pieces)
    ]

    assert [line.body for line in found] == whole(data)
    assert all(line.next == after.begin for line, after in pairwise(found))
    assert all(data[line.begin : line.begin + len(line.body)] == line.body for line in found)


@given(FILES, SIZES, SIZES)
def test_a_range_owns_the_lines_that_start_in_it(data: bytes, size: int, pieces: int) -> None:
    for number in range(ranges_in(len(data), size)):
        begin, end = bounds_of(number, len(data), size)
        assert all(begin <= line.begin < end for line in owned(data, begin, end, pieces))


@given(FILES, SIZES, st.integers(0, 20))
def test_a_range_goes_on_from_any_line(data: bytes, size: int, done: int) -> None:
    for number in range(ranges_in(len(data), size)):
        begin, end = bounds_of(number, len(data), size)
        lines = owned(data, begin, end, 7)
        if len(lines) > done > 0:
            position = lines[done - 1].next
            assert list(_fed(Lines(position, end), data, position, 5)) == lines[done:]


@given(st.integers(0, 10_000), SIZES)
def test_ranges_cover_the_file_without_gap_or_overlap(size: int, range_bytes: int) -> None:
    bounds = [bounds_of(n, size, range_bytes) for n in range(ranges_in(size, range_bytes))]

    assert sum(end - begin for begin, end in bounds) == size
    assert all(before[1] == after[0] for before, after in pairwise(bounds))
    assert all(begin < end for begin, end in bounds)


def test_a_range_inside_a_long_line_does_not_read_on_to_its_end() -> None:
    data = b"x" * 100 + b"\nlast"
    lines = Lines(39, 60, aligned=False)

    assert list(lines.feed(data[39:60])) == []
    assert lines.done


@given(st.integers(1, 60), st.integers(1, 30))
def test_a_line_that_is_too_long_is_cut_and_says_so(length: int, pieces: int) -> None:
    body = bytes(range(65, 91)) * 3
    data = b"before\n" + body[:length] + b"\nafter"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "LARGEST_LINE", 200)
        assert [line.body for line in owned(data, 0, len(data), pieces)] == whole(data)
        patch.setattr(ranges, "LARGEST_LINE", 30)
        before, cut, after = owned(data, 0, len(data), pieces)
    assert (before.body, after.body, cut.next) == (b"before", b"after", after.begin)
    if length <= 30:
        assert cut.body == body[:length]
    else:
        digest = hashlib.sha256(body[:length]).hexdigest()
        assert f"the line has {length} bytes from byte 7".encode() in cut.body
        assert digest.encode() in cut.body


def test_a_long_line_is_never_held_whole() -> None:
    piece = b"x" * 1_000_000
    lines = Lines(0, 10**9)
    for _ in range(5):
        assert list(lines.feed(piece)) == []
        assert sum(map(len, lines._kept)) <= LARGEST_LINE
    (line,) = lines.feed(b"\n")

    assert len(line.body) == LARGEST_LINE
    assert line.next == 5_000_001
    assert line.body.startswith(b"xxx")
    assert b"the line has 5000000 bytes from byte 0 of the file on" in line.body


class TestText:
    def test_carriage_return_and_byte_order_mark_are_gone(self) -> None:
        assert Line(0, 9, b'\xef\xbb\xbf{"a"}\r').text == '{"a"}'
        assert Line(5, 9, b"\xef\xbb\xbfx").text == "\N{BYTE ORDER MARK}x"

    @given(st.binary())
    def test_bytes_that_are_no_text_can_be_got_back(self, body: bytes) -> None:
        text = Line(1, 2, body).text
        assert text.encode("utf-8", "surrogateescape") == body.removesuffix(b"\r")

    @pytest.mark.parametrize("body", [b"", b"\r", b" \t", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r"])
    def test_a_line_without_anything_is_blank(self, body: bytes) -> None:
        assert Line(0, 9, body).blank

    @pytest.mark.parametrize("body", [b"x", b"\0", b"\xef\xbb\xbfx"])
    def test_any_other_is_not(self, body: bytes) -> None:
        assert not Line(0, 9, body).blank
