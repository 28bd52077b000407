"""Errors are marked at their place, whatever the body is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.events import Reason
from functions.shared.core.marking import LONGEST_TEXT, Placed, differences, marked, placed, pretty
from tests.builders import body, event


def reason(path: str, text: str = "Correct it.") -> Reason:
    return Reason("invalid-data", path, text, "pattern")


def shown(text: str, *reasons: Reason, whole: bool = False) -> list[str]:
    return [line.text for line in marked(text, reasons, whole=whole)]


def test_a_marker_stands_below_its_line_and_under_its_value() -> None:
    lines = shown('{"data":{"phone":"none","sex":"male"}}', reason("/data/phone"))
    assert lines == [
        "{",
        '  "data": {',
        '    "phone": "none",',
        "             ^",
        '    "sex": "male"',
        "  }",
        "}",
    ]


def test_what_is_missing_is_marked_at_what_it_is_missing_from() -> None:
    lines = shown('{"data":{"sex":"male"}}', reason("/data/residence/commune"))
    assert lines[1:3] == ['  "data": {', "          ^ /data/residence/commune"]


def test_what_is_wrong_with_the_whole_is_marked_at_its_beginning() -> None:
    assert shown("[]", reason("")) == ["[]", "^"]
    assert shown('{"a":1}', reason(""))[:2] == ["{", "^"]


def test_elements_of_lists_and_odd_names_have_places() -> None:
    lines = shown('{"a/b~c":["x","y"]}', reason("/a~1b~0c/1"))
    assert lines == ["{", '  "a/b~c": [', '    "x",', '    "y"', "    ^", "  ]", "}"]


def test_several_errors_of_one_place_stand_one_below_the_other() -> None:
    found = marked('{"a":1}', [reason("/a", "One."), reason("/a", "Two.")])
    assert [line.marks.text for line in found if line.marks] == ["One.", "Two."]


def test_numbers_and_repeated_keys_are_shown_as_they_were_written() -> None:
    assert shown('{"a":1.50,"a":1e999,"b":12345678901234567890123}') == [
        "{",
        '  "a": 1.50,',
        '  "a": 1e999,',
        '  "b": 12345678901234567890123',
        "}",
    ]


def test_the_place_where_a_text_stops_being_json_is_marked() -> None:
    lines = shown('{"a": 1,\n "b": nope}', Reason("not-json", "", "It is not JSON."))
    assert lines == ['{"a": 1,', ' "b": nope}', "      ^"]


def test_a_long_text_that_is_not_json_is_shown_around_the_place() -> None:
    text = "\n".join(f'"line {n}",' for n in range(50))
    lines = shown(text, Reason("not-json", "", "It is not JSON."))
    assert lines[-1] == "... (46 lines after; --whole)"
    assert shown(text, whole=True)[:50] == text.split("\n")
    long = shown('{"a":"' + "x" * 9_000 + "\t" + "y" * 9_000, Reason("not-json", "", "…"))
    assert len(long[0]) <= LONGEST_TEXT + 6
    assert long[0][long[1].index("^")] == "\t"


def test_long_lines_are_cut_unless_all_is_asked_for() -> None:
    text = json.dumps({"a": "x" * 5_000})
    assert "--whole" in shown(text)[1]
    assert shown(text, whole=True)[1] == f'  "a": "{"x" * 5_000}"'


def test_a_reason_is_placed_at_the_nearest_thing_that_is_there() -> None:
    missing, here = reason("/data/card/number"), reason("/data/phone")
    assert placed('{"data":{"phone":1}}', [missing, here]) == [
        Placed(missing, "/data"),
        Placed(here, "/data/phone"),
    ]
    broken = Reason("not-json", "", "It is not JSON.")
    assert placed('{"a":1,\n  b}', [broken]) == [Placed(broken, "", 2, 3)]
    assert placed("[" * 100_000, [broken]) == [Placed(broken, "")]


def test_what_nests_too_deep_is_shown_as_it_is() -> None:
    text = "[" * 100_000
    assert len(shown(text, Reason("not-json", "", "It nests too deep."))) >= 2


def test_what_the_editor_gets_is_the_same_message() -> None:
    document = event(fields={"full_name": "Mẫu", "replaces": ["001190000018"]})
    assert json.loads(pretty(body(document))) == document
    assert pretty("{") == "{"


def test_differences_are_told_by_place() -> None:
    assert differences('{"a":{"b":1,"c":"x"}}', '{"a":{"b":2,"d":"x"}}') == [
        ("/a/b", "1", "2"),
        ("/a/c", '"x"', None),
        ("/a/d", None, '"x"'),
    ]
    assert differences("{", '{"a":[]}') == [("", '"{"', None), ("/a", None, "[]")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values, st.lists(st.text(max_size=6), max_size=3))
def test_every_reason_is_marked_once_whatever_its_path(value: object, paths: list[str]) -> None:
    reasons = [reason(f"/{path}" if path else "") for path in paths]
    found = marked(json.dumps(value), reasons, whole=True)
    assert sorted(line.marks.path for line in found if line.marks) == sorted(
        one.path for one in reasons
    )
    assert json.loads("\n".join(line.text for line in found if line.marks is None)) == value
