"""Files of messages give each message's own bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from functions.shared.core.intake import kind_of
from infra.lienthong.messages import Form, messages, opened
from infra.lienthong.problems import Misuse, Refused


def read(content: bytes, name: str = "-", form: Form = "auto") -> list[tuple[int, bytes]]:
    return [(m.line, m.body) for m in messages(io.BytesIO(content), name, form)]


def test_each_line_of_ndjson_is_a_message_unchanged() -> None:
    content = b'{"a": 1.0}\n\n  {"a":  2}  \r\nnot json\n\xff\xfe'
    assert read(content, "x.ndjson") == [
        (1, b'{"a": 1.0}'),
        (3, b'  {"a":  2}  '),
        (4, b"not json"),
        (5, b"\xff\xfe"),
    ]


def test_a_byte_order_mark_belongs_to_no_message() -> None:
    for name in ("x.ndjson", "x.json", "-"):
        assert read(b'\xef\xbb\xbf{"a": 1}\n', name) == [(1, b'{"a": 1}')]


def test_an_object_over_several_lines_is_one_message() -> None:
    content = b'\n{\n  "a": 1\n}\n'
    assert read(content, "x.json") == [(2, b'{\n  "a": 1\n}')]
    assert read(content[1:]) == [(1, b'{\n  "a": 1\n}')]


def test_each_element_of_an_array_is_a_message_with_its_own_bytes() -> None:
    content = '[\n  {"a": 1.50},\n\n  {"b":\n "ă"}, 3\n]'.encode()
    expected = [(2, b'{"a": 1.50}'), (4, '{"b":\n "ă"}'.encode()), (5, b"3")]
    assert read(content, "x.json") == expected
    assert read(content) == expected


def test_an_empty_array_has_no_messages() -> None:
    assert read(b" [ ] ", "x.json") == []


def test_a_bad_first_line_does_not_make_ndjson_a_document() -> None:
    assert read(b'{"a": \n{"a": 2}\n') == [(1, b'{"a": '), (2, b'{"a": 2}')]
    assert read(b'[1\n{"a": 2}\n') == [(1, b"[1"), (2, b'{"a": 2}')]
    assert read(b'nonsense\n{"a": 2}\n') == [(1, b"nonsense"), (2, b'{"a": 2}')]


def test_the_option_decides_over_the_name() -> None:
    assert read(b"[1]\n[2]\n", "x.json", "ndjson") == [(1, b"[1]"), (2, b"[2]")]


@pytest.mark.parametrize("content", [b"", b"{", b"{}\n{}", b'"\xff"'])
def test_what_is_said_to_be_one_document_and_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        read(content, "x.json")


def test_gzip_is_recognised_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "plain-name.ndjson"
    path.write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    with opened(str(path)) as (stream, size):
        assert size is None
        assert [m.line for m in messages(stream, str(path))] == [1, 2]


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 9999)[:-20])
    with pytest.raises(Refused, match="damaged gzip"), opened(str(path)) as (stream, _):
        list(messages(stream, str(path)))


def test_a_name_that_is_no_file_is_wrong_use(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no"):
        with pytest.raises(Misuse), opened(str(path)):
            pass


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"type": "vn.lienthong.person.moved.v1"}', "person"),
        (b'{"type": "vn.lienthong.insurance-card.issued.v2"}', "insurance-card"),
        (b'{"type": "vn.lienthong.vehicle.born.v1"}', "vehicle"),
        (b'{"x": "\\ud800", "n": 1e999, "type": "vn.lienthong.agency.changed.v1"}', "agency"),
        (b'{"type": "person.moved"}', None),
        (b'{"type": 1}', None),
        (b"[]", None),
        (b"{", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_the_kind_is_read_from_the_type_alone(body: bytes, kind: str | None) -> None:
    assert kind_of(body) == kind
