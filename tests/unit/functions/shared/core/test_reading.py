"""A message becomes an event, or every reason why it cannot, in the order of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from functions.shared.core import reading as reading_module
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, KINDS, PERSON, Kind
from functions.shared.core.reading import Reading, read, read_closely
from schemas.envelope import MAX_DATA_BYTES, MAX_MESSAGE_BYTES, MAX_NESTING
from tests.builders import (
    DOSSIER_CODE,
    PERSON_ID,
    TIME,
    body,
    codes,
    event,
    places,
    reading_of,
    understood,
)
from tests.histories import Document, any_history

EVENT = event()
TEXT = body(EVENT)


def with_attributes(**attributes: Any) -> Reading:
    return reading_of({**EVENT, **attributes})


def with_data(**fields: Any) -> Reading:
    return reading_of(event(fields=fields))


class TestWhatIsUnderstood:
    @given(any_history())
    def test_every_event_that_the_contract_allows(self, drawn: tuple[Kind, list[Document]]) -> None:
        kind, history = drawn
        for document in history:
            reading = reading_of(document, kind)
            assert reading.reasons == ()
            assert reading.event is not None
            assert reading.event.uid == f"{document['source']}#{document['id']}"
            assert reading.event.record_key == f"{kind.name}/{document['subject']}"
            assert (reading.source, reading.event_id) == (document["source"], document["id"])
            named = {name.partition("/")[0] for name, _ in reading.event.statements}
            implied = {"step"} if document["data"].get("status") and kind is DOSSIER else set()
            assert named == (set(document["data"]) - {kind.key}) | implied

    def test_the_time_is_normalised_for_the_stamp_and_kept_for_the_core(self) -> None:
        received = "2026-03-03t09:00:00.1234567+07:00"
        envelope = with_attributes(time=received).envelope
        assert envelope is not None
        assert envelope.stamp.time == "2026-03-03T02:00:00.123456Z"
        assert envelope.core is not None
        assert received.encode() in envelope.core

    @pytest.mark.parametrize(("sequence", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
    def test_a_sequence_counts_as_an_integer(self, sequence: str, number: int) -> None:
        envelope = with_attributes(sequence=sequence).envelope
        assert envelope is not None
        assert (envelope.sequence, envelope.stamp.sequence) == (sequence, number)

    def test_an_absent_sequence_counts_as_zero(self) -> None:
        envelope = reading_of(EVENT).envelope
        assert envelope is not None
        assert (envelope.sequence, envelope.stamp.sequence) == (None, 0)

    def test_values_are_normalised(self) -> None:
        said = understood(event(fields={"full_name": "  Nguye\u0302\u0303n   Thị\tMẫu "}))
        assert said.statements == (("full_name", "Nguyễn Thị Mẫu"),)

    def test_a_null_withdraws(self) -> None:
        assert understood(event(fields={"phone": None})).statements == (("phone", None),)

    @pytest.mark.parametrize(
        "attributes",
        [
            {"datacontenttype": "application/json"},
            {"datacontenttype": "Application/JSON; charset=UTF-8"},
            {"datacontenttype": 'application/json;charset="utf-8"'},
            {"datacontenttype": None, "sequence": None, "correctionof": None},
            {"traceparent": "00-1", "knativearrivaltime": {"a": [1, True, None]}},
            {"id": "Ω/#\U0001f600"},
            {"id": "x" * 128, "correctionof": "x" * 128},
            {"dataschema": "https://example.invalid/x"},
        ],
    )
    def test_attributes_that_are_fine(self, attributes: dict[str, Any]) -> None:
        assert with_attributes(**attributes).event is not None

    @pytest.mark.parametrize("blank", [" ", "\n", "\t\r\n "])
    def test_white_space_around_the_object(self, blank: str) -> None:
        assert read(f"{blank}{TEXT}{blank}", PERSON).event is not None

    def test_a_status_without_a_step_makes_one_of_the_event(self) -> None:
        said = understood(event("dossier.accepted", {"status": 2}, id_="a/1"))
        step = {"id": "a/1", "at": TIME, "status": 2}
        assert said.statements == (("status", 2), ("step//agencies/H26.12/a/1", step))

    def test_a_status_with_a_step_makes_no_other(self) -> None:
        step = {"id": "s", "at": "2026-03-03T02:00:00Z"}
        said = understood(event("dossier.progressed", {"status": 4, "step": step}))
        assert [name for name, _ in said.statements] == ["status", "step//agencies/H26.12/s"]

    def test_a_withdrawn_status_makes_no_step(self) -> None:
        said = understood(event("dossier.updated", {"status": None}))
        assert said.statements == (("status", None),)

    def test_the_status_of_a_card_makes_no_step(self) -> None:
        said = understood(event("insurance-card.ended", {"status": "ended"}))
        assert said.statements == (("status", "ended"),)

    def test_each_replaced_id_is_a_field_of_its_own(self) -> None:
        old = ["079300000001", "001085000024", "079300000001"]
        said = understood(event("person.identifier-replaced", {"replaces": old}))
        assert said.statements == (
            ("replaces/001085000024", True),
            ("replaces/079300000001", True),
        )

    @pytest.mark.parametrize("length", [MAX_DATA_BYTES, MAX_DATA_BYTES + 1])
    def test_data_may_have_16_kib(self, length: int) -> None:
        frame = event("agency.changed", {"aliases": []})
        for size in range(50, 0, -1):
            while _size(frame["data"]) + size + 3 <= length:
                frame["data"]["aliases"].append("x" * size)
        assert _size(frame["data"]) == length
        reading = reading_of(frame, AGENCY)
        if length > MAX_DATA_BYTES:
            assert places(reading) == [("invalid-data", "/data")]
        else:
            assert reading.event is not None


def _size(data: Any) -> int:
    return len(json.dumps(data, separators=(",", ":")))


class TestTooLarge:
    def test_a_message_may_have_256_kib(self) -> None:
        assert read(TEXT + " " * (MAX_MESSAGE_BYTES - len(TEXT.encode())), PERSON).event is not None

    def test_one_byte_more_is_refused_unread(self) -> None:
        reading = read(TEXT + " " * (MAX_MESSAGE_BYTES - len(TEXT.encode()) + 1), PERSON)
        assert places(reading) == [("too-large", "")]
        assert (reading.envelope, reading.source) == (None, None)

    def test_bytes_are_counted_not_characters(self) -> None:
        assert codes(read("é" * (MAX_MESSAGE_BYTES // 2 + 1), PERSON)) == ["too-large"]
        assert codes(read("é" * (MAX_MESSAGE_BYTES // 2), PERSON)) == ["not-json"]

    def test_a_megabyte_of_nonsense(self) -> None:
        assert codes(read('{"a":' * 200_000, PERSON)) == ["too-large"]

    def test_half_surrogates_are_counted_as_well(self) -> None:
        assert codes(read("\ud800" * MAX_MESSAGE_BYTES, PERSON)) == ["too-large"]


def nested(levels: int) -> str:
    """An event that nests so deep, the outermost value being 1."""
    return TEXT[:-1] + ', "x": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


class TestNotJson:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "nonsense",
            TEXT[:-1],
            TEXT + "}",
            TEXT + TEXT,
            "\ufeff" + TEXT,
            TEXT.replace('"phone"', "phone"),
            TEXT.replace('"', "'"),
            TEXT[:-1] + ",}",
            "[1,]",
            '{"a":01}',
            '{"a":+1}',
            '{"a":.5}',
            '{"a":1.}',
            '{"a":0x1}',
            '{"a":NaN}',
            '{"a":-Infinity}',
            '{"a":Infinity}',
            '{"a":"\t"}',
            '{"a":"\n"}',
            '{"a":"\x00"}',
            '{"a":"\\x41"}',
            '{"a":"\\u12"}',
            '{"a":tru}',
            "{" * 40,
            "[" * 100_000,
            '["' * 50_000,
            "\ud800",
            TEXT.replace("0900000001", "\udfff"),
            "\x00",
            "𝟙",
            "NaN",
            "<event/>",
        ],
    )
    def test_what_is_no_json_is_refused(self, text: str) -> None:
        reading = read(text, PERSON)
        assert places(reading) == [("not-json", "")]
        assert reading.envelope is None

    @pytest.mark.parametrize(
        "text",
        [
            TEXT[:-1] + ',"id":"e-1"}',
            TEXT[:-1] + ',"x":{"a":1,"a":1}}',
            TEXT.replace('"phone"', '"phone": "1234", "\\u0070hone"'),
            '{"a":[{"b":1,"b":2}]}',
        ],
    )
    def test_a_key_twice_is_refused_wherever_it_stands(self, text: str) -> None:
        assert codes(read(text, PERSON)) == ["not-json"]

    def test_a_message_may_nest_32_deep(self) -> None:
        assert read(nested(MAX_NESTING), PERSON).event is not None
        assert codes(read(nested(MAX_NESTING + 1), PERSON)) == ["not-json"]

    def test_nesting_is_told_apart_from_brackets_in_text(self) -> None:
        address = '[{"' * 50
        reading = with_data(residence={"commune": "00070", "address": address})
        assert reading.event is not None

    def test_objects_and_lists_nest_alike(self) -> None:
        deep = '{"a":[' * 16 + "]}" * 16
        assert set(codes(read(deep, PERSON))) == {"not-cloudevent"}, "32 levels are read"
        assert codes(read(f"[{deep}]", PERSON)) == ["not-json"]

    def test_many_shallow_values_are_no_nesting(self) -> None:
        assert with_attributes(x=[[] for _ in range(200)]).event is not None

    def test_the_sentence_holds_nothing_of_the_message(self) -> None:
        reading = read('{"full_name": "Nguyễn Thị Mẫu" "', PERSON)
        assert "Mẫu" not in reading.reasons[0].text


class TestNotCloudEvent:
    @pytest.mark.parametrize(
        "text", ['"text"', "[]", f"[{TEXT}]", "1", "1.5", "null", "true", "1" * 5000]
    )
    def test_what_is_no_object_is_refused(self, text: str) -> None:
        assert places(read(text, PERSON)) == [("not-cloudevent", "")]

    @pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time"])
    @pytest.mark.parametrize(
        "value", ["missing", None, 1, "", True, [], {}, 1.5, 10**30, "\0", "\n"]
    )
    def test_a_required_attribute_that_is_missing_or_malformed(self, name: str, value: Any) -> None:
        document = {**EVENT, name: value}
        if value == "missing":
            del document[name]
        reading = reading_of(document)
        code, path = places(reading)[0]
        if (name, value) in [("type", "\0"), ("type", "\n")]:
            assert code == "unknown-type"
        elif (name, value) in [("subject", "\0"), ("subject", "\n")]:
            assert code == "subject-mismatch"
        else:
            assert (code, path) == ("not-cloudevent", f"/{name}")
            assert reading.envelope is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("specversion", "0.3"),
            ("specversion", "1"),
            ("id", "x" * 129),
            ("id", "a\x7f"),
            ("id", "a\u2028"),
            ("id", "\ud800"),
            ("correctionof", "\udc00"),
            ("correctionof", ""),
            ("correctionof", 7),
            ("source", "agencies/G01"),
            ("source", "/agencies/"),
            ("source", "/agencies/g01"),
            ("source", "/agencies/000.12.00.H26"),
            ("source", "/agencies/G01/x"),
            ("source", "/agencies/G01\n"),
            ("source", "/agencies/G٠1"),
            ("source", "/agencies/H26" + ".1234" * 8),
            ("time", "2026-03-03"),
            ("time", "2026-03-03T02:00:00"),
            ("time", "2026-03-03 02:00:00Z"),
            ("time", "2026-03-03T02:00:60Z"),
            ("time", "2026-02-29T02:00:00Z"),
            ("time", "2026-03-03T02:00:00+24:00"),
            ("time", "0001-01-01T00:00:00+07:00"),
            ("time", "1767225600"),
            ("time", "٢٠26-03-03T02:00:00Z"),
            ("sequence", 1),
            ("sequence", ""),
            ("sequence", "1" * 19),
            ("sequence", "-1"),
            ("sequence", "١"),
            ("sequence", "1\n"),
            ("datacontenttype", "text/json"),
            ("datacontenttype", "application/json; charset=latin-1"),
            ("datacontenttype", "application/json+x"),
            ("datacontenttype", ""),
            ("datacontenttype", 1),
            ("Extension", "x"),
            ("an_extension", "x"),
            ("a" * 21, "x"),
            ("", "x"),
            ("é", "x"),
            ("data_base64", "e30="),
            ("extension", 1.5),
            ("extension", {"a": [-1e300]}),
            ("extension", 2**53 + 1),
            ("extension", [10**30]),
        ],
    )
    def test_a_malformed_attribute_is_named(self, name: str, value: Any) -> None:
        reading = with_attributes(**{name: value})
        assert places(reading) == [("not-cloudevent", f"/{name}")]
        assert reading.envelope is None

    def test_an_integer_of_2_to_the_53_is_taken(self) -> None:
        assert with_attributes(extension=2**53).event is not None
        assert with_attributes(extension=-(2**53)).event is not None

    def test_a_huge_number_costs_no_conversion(self) -> None:
        text = TEXT[:-1] + ', "extension": ' + "9" * 10_000 + "}"
        assert places(read(text, PERSON)) == [("not-cloudevent", "/extension")]

    def test_a_name_is_escaped_in_its_path(self) -> None:
        assert places(with_attributes(**{"a/b~c": 1})) == [("not-cloudevent", "/a~1b~0c")]
        assert places(with_attributes(**{"\ud800": 1})) == [("not-cloudevent", "/?")]

    def test_everything_wrong_with_the_envelope_is_named_at_once(self) -> None:
        reading = reading_of({"specversion": "1", "type": "x", "Ext": 1, "source": "/agencies/G01"})
        assert [path for _, path in places(reading)] == [
            "/specversion",
            "/id",
            "/subject",
            "/time",
            "/Ext",
        ]
        assert (reading.source, reading.event_id) == ("/agencies/G01", None)

    @pytest.mark.parametrize("value", ["", "\x00", "x" * 257, 5, "\ud800", None])
    def test_what_is_no_text_is_not_kept_as_the_id(self, value: Any) -> None:
        assert with_attributes(specversion="2", id=value).event_id is None


class TestTypes:
    @pytest.mark.parametrize(
        "name",
        [
            "x",
            "vn.lienthong.person.moved",
            "vn.lienthong.person.moved.v1x",
            "vn.lienthong.person.moved.V1",
            "VN.lienthong.person.moved.v1",
            "vn.lienthong.person.exploded.v1",
            "vn.lienthong.person.exploded.v2",
            "vn.lienthong.dossier.updated.v1",
            "vn.lienthong.dossier.updated.v2",
            "vn.lienthong.agency.registered.v1",
            "vn.lienthong.person.moved.v",
            "vn.lienthong.person.moved.v1\n",
            "\ud800",
        ],
    )
    def test_an_unknown_type_or_one_of_another_queue(self, name: str) -> None:
        reading = with_attributes(type=name)
        assert places(reading) == [("unknown-type", "/type")]
        assert reading.of_this_queue is None

    @pytest.mark.parametrize("version", ["v2", "v10", "v0", "v01"])
    def test_another_version_of_a_known_type(self, version: str) -> None:
        reading = with_attributes(type=f"vn.lienthong.person.moved.{version}")
        assert places(reading) == [("unsupported-version", "/type")]
        assert reading.of_this_queue is None

    def test_an_event_on_another_kinds_queue(self) -> None:
        for kind in (INSURANCE_CARD, DOSSIER, AGENCY):
            assert places(read(TEXT, kind)) == [("unknown-type", "/type")]

    def test_the_envelope_is_known_so_that_the_ledger_can_be_asked(self) -> None:
        reading = with_attributes(type="x")
        assert reading.envelope is not None
        assert reading.envelope.uid == "/agencies/G01#e-1"

    def test_a_reason_that_stops_is_alone(self) -> None:
        document = {**event(fields={"phone": 1.5, "nope": 1}), "subject": "x"}
        assert codes(reading_of({**document, "type": "x"})) == ["unknown-type"]
        assert codes(reading_of({**document, "specversion": "2"})) == ["not-cloudevent"]


class TestData:
    def test_a_subject_that_is_not_the_key(self) -> None:
        assert places(with_attributes(subject="001190000018")) == [("subject-mismatch", "/subject")]

    def test_a_mismatch_and_every_field_error_at_once(self) -> None:
        document = {**event(fields={"phone": "x", "sex": "?", "nope": 1}), "subject": "y"}
        assert sorted(places(reading_of(document))) == [
            ("invalid-data", "/data/nope"),
            ("invalid-data", "/data/phone"),
            ("invalid-data", "/data/sex"),
            ("subject-mismatch", "/subject"),
        ]
        assert codes(reading_of(document))[0] == "subject-mismatch"

    @pytest.mark.parametrize("data", [None, [], "x", 1, True, [{}]])
    def test_data_that_is_no_object(self, data: Any) -> None:
        assert places(with_attributes(data=data)) == [("invalid-data", "/data")]

    def test_data_that_is_missing(self) -> None:
        document = {name: value for name, value in EVENT.items() if name != "data"}
        assert places(reading_of(document)) == [("invalid-data", "/data")]

    def test_a_key_that_is_missing_or_no_text(self) -> None:
        assert places(with_attributes(data={"phone": "1234"})) == [
            ("invalid-data", "/data/personal_id")
        ]
        numeric = {"personal_id": int(PERSON_ID), "phone": "1234"}
        assert places(with_attributes(data=numeric)) == [("invalid-data", "/data/personal_id")]

    def test_nothing_but_the_key(self) -> None:
        assert places(with_data()) == [("invalid-data", "/data")]

    @pytest.mark.parametrize(
        "value", [1.5, 1.0, 1e300, -0.0, 2**53 + 1, -(2**53) - 1, 10**400, "\0", "a\0b", "\ud800"]
    )
    def test_a_value_that_no_field_takes(self, value: Any) -> None:
        assert places(with_data(phone=value)) == [("invalid-data", "/data/phone")]

    @pytest.mark.parametrize("digits", [16, 17, 20, 21, 5_000, 200_000])
    @pytest.mark.parametrize("sign", ["", "-"])
    def test_a_number_of_any_length_is_refused_unconverted(self, sign: str, digits: int) -> None:
        """Python itself refuses to convert more than 4,300 digits."""
        text = TEXT.replace('"0900000001"', sign + "9" * digits)
        assert places(read(text, PERSON)) == [("invalid-data", "/data/phone")]

    @pytest.mark.parametrize("number", ["1e400", "-1E400", "1e0", "0.0", "1e-400"])
    def test_a_fraction_or_exponent_is_refused_unconverted(self, number: str) -> None:
        text = TEXT.replace('"0900000001"', number)
        assert places(read(text, PERSON)) == [("invalid-data", "/data/phone")]

    def test_such_a_value_is_named_wherever_it_stands(self) -> None:
        reading = with_data(
            residence={"commune": "00070", "address": "\0"}, nope=[1, {"a~/": 1.5}], phone="x"
        )
        assert sorted(places(reading)) == [
            ("invalid-data", "/data/nope"),
            ("invalid-data", "/data/nope/1/a~0~1"),
            ("invalid-data", "/data/phone"),
            ("invalid-data", "/data/residence/address"),
        ]

    @pytest.mark.parametrize("name", ["\0", "\ud800", "a\0b"])
    def test_a_name_that_is_no_text(self, name: str) -> None:
        reading = with_data(**{"phone": "0900000001", name: "x"})
        assert set(codes(reading)) == {"invalid-data"}
        assert all("\0" not in path and path.isprintable() for _, path in places(reading))

    def test_surrogates_that_make_a_pair_are_a_character(self) -> None:
        escaped = json.dumps(event(fields={"full_name": "\U0001f600"}), ensure_ascii=True)
        reading = read(escaped, PERSON)
        assert reading.event is not None
        assert reading.event.statements == (("full_name", "\U0001f600"),)

    @pytest.mark.parametrize(
        ("type_", "fields", "path"),
        [
            ("person.registered", {"full_name": "A", "sex": "male"}, "/data/date_of_birth"),
            (
                "person.registered",
                {"full_name": None, "sex": "male", "date_of_birth": "1990"},
                "/data/full_name",
            ),
            ("person.moved", {"phone": "1234"}, "/data"),
            ("person.deceased", {"life": {"status": "alive"}}, "/data/life/status"),
            ("person.identifier-replaced", {"replaces": []}, "/data/replaces"),
            ("person.identifier-replaced", {"replaces": None}, "/data/replaces"),
            ("person.updated", {"replaces": ["001085000024"]}, "/data/replaces"),
            ("person.updated", {"annulment": {"reason": "x"}}, "/data/annulment"),
            ("person.updated", {"identity_card": {}}, "/data/identity_card"),
            ("person.updated", {"residence": {"commune": None}}, "/data/residence/commune"),
            ("dossier.accepted", {"status": 3}, "/data/status"),
            ("dossier.accepted", {"status": None}, "/data/status"),
            ("dossier.updated", {"status": 4}, "/data/status"),
            ("dossier.updated", {"step": None}, "/data/step"),
            ("dossier.updated", {"satisfaction": 5}, "/data/satisfaction"),
            ("dossier.updated", {"digitised_parts": 1}, "/data/digitised_parts"),
            ("insurance-card.updated", {"status": "active"}, "/data/status"),
            ("agency.registered", {"name": "A"}, "/data/periods"),
        ],
    )
    def test_what_its_type_forbids_or_misses(
        self, type_: str, fields: dict[str, Any], path: str
    ) -> None:
        kind = KINDS[type_.partition(".")[0]]
        assert places(reading_of(event(type_, fields), kind)) == [("invalid-data", path)]

    def test_the_fields_it_names_are_known_though_a_value_is_wrong(self) -> None:
        """So that a refusal says at once which of them the agency may not state."""
        document = event("dossier.progressed", {"fee": {}, "status": 4, "nope": 1})
        assert reading_of(document, DOSSIER).fields_of(DOSSIER) == ("status", "fee")

    def test_no_reason_holds_what_was_received(self) -> None:
        reading = with_data(full_name=17, phone="Bí mật", sex="Bí mật", address="Bí mật")
        assert len(reading.reasons) == 4
        assert "Bí mật" not in repr(reading.reasons)

    def test_an_event_that_is_refused_makes_no_statement(self) -> None:
        assert with_data(phone="x").event is None
        assert with_attributes(subject="x").event is None


class TestAnyText:
    """Nothing a sender does makes reading fail."""

    @given(st.text(), st.sampled_from(list(KINDS.values())))
    @example("[" * 5000, PERSON)
    @example('{"a":' * 5000, PERSON)
    @example("\\" * 100, PERSON)
    @example('"\\', PERSON)
    def test_text(self, text: str, kind: Kind) -> None:
        assert _is_accounted_for(read(text, kind))

    @given(st.data(), any_history(most=1))
    def test_an_event_with_a_piece_replaced(
        self, data: st.DataObject, drawn: tuple[Kind, list[Document]]
    ) -> None:
        kind, (document,) = drawn
        text = body(document)
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        piece = data.draw(
            st.text(max_size=4) | st.sampled_from(('"', "\\", "{}", "[", "null", "1e9"))
        )
        assert _is_accounted_for(read(text[:start] + piece + text[end:], kind))

    @given(st.data(), any_history(most=1))
    def test_an_event_with_any_json_somewhere(
        self, data: st.DataObject, drawn: tuple[Kind, list[Document]]
    ) -> None:
        kind, (document,) = drawn
        value = data.draw(_JSON)
        where = data.draw(st.sampled_from([*document, *document["data"], "extension"]))
        inside = where in document["data"]
        spoilt = (
            {**document, "data": {**document["data"], where: value}}
            if inside
            else {**document, where: value}
        )
        assert _is_accounted_for(read(json.dumps(spoilt), kind))

    @given(st.text(st.sampled_from('{}[]",:\\0')))
    def test_broken_structure(self, text: str) -> None:
        assert _is_accounted_for(read(text, PERSON))


def _any_containers(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    keys = st.text(st.characters(categories=["Ll", "Cs", "Cc"]), max_size=3)
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=5)
    | st.sampled_from((10**400, "\ud800", "\0", DOSSIER_CODE, PERSON_ID)),
    _any_containers,
    max_leaves=5,
)


def _is_accounted_for(reading: Reading) -> bool:
    """Either an event that can be proven, or reasons in the contract's order."""
    order = (
        "too-large",
        "not-json",
        "not-cloudevent",
        "unknown-type",
        "unsupported-version",
        "subject-mismatch",
        "invalid-data",
    )
    places_ = [order.index(code) for code in codes(reading)]
    if reading.event is not None:
        return not places_ and reading.envelope is not None and reading.envelope.core is not None
    return bool(places_) and places_ == sorted(places_)


class TestReadingAtAGlance:
    """`read` takes a shorter way for ordinary events; it must never show."""

    @given(any_history(), st.data())
    def test_an_event_reads_alike_however_it_is_written(
        self, drawn: tuple[Kind, list[Document]], data: st.DataObject
    ) -> None:
        kind, history = drawn
        for document in history:
            text = data.draw(written(document))
            assert read(text, kind) == read_closely(text, kind)

    @given(st.sampled_from(sorted(KINDS)), st.data())
    def test_so_does_a_text_with_anything_done_to_it(self, kind: str, data: st.DataObject) -> None:
        text = data.draw(written(event()))
        for _ in range(data.draw(st.integers(1, 3))):
            begin = data.draw(st.integers(0, len(text)))
            end = data.draw(st.integers(begin, min(len(text), begin + 30)))
            text = text[:begin] + data.draw(st.sampled_from(SPLICES)) + text[end:]
        assert read(text, KINDS[kind]) == read_closely(text, KINDS[kind])

    @pytest.mark.parametrize(
        "spliced",
        [
            '"sex" : "male", "sex":"female"',
            '"sex":"male","sex":"male"',
            '"se\\u0078":"male","sex":"female"',
            '"phone":"1\\u0022","phone":"2"',
            '"phone":"1\\"","phone":"2"',
            '"phone":"\\"\\"","phone":""',
            '"phone":"\\\\","sex":"male"',
            '"phone":' + "[" * 40 + "]" * 40 + ',"phone":"12345"',
            '"full_name":"' + "[" * 40 + '"',
            '"phone":"12345","phone" :null',
            '"eid":{"level":1,"level":2}',
            '"eid":{"level":1.0}',
            '"eid":{"level":1e0}',
            '"eid":{"level":18446744073709551617}',
            '"full_name":"Nguy\\u1ec5n"',
            '"full_name":"a\\u0000"',
            '"full_name":"a\\ud800"',
            '"full_name":"a\\nb"',
        ],
    )
    def test_what_is_easily_overlooked(self, spliced: str) -> None:
        text = TEXT.replace('"data": {', '"data": {' + spliced + ",", 1)
        assert text != TEXT
        assert read(text, PERSON) == read_closely(text, PERSON)

    @pytest.mark.parametrize(
        "spliced",
        [
            '"id":"other"',
            '"data":{}',
            '"traceparent":"00-1"',
            '"traceparent":"00-1","traceparent":"00-1"',
            '"traceparent":1',
            '"traceparent":1.5',
            '"traceparent":{}',
            '"traceparent":"00-1","sequence":"1"',
            '"traceparent":"00-1","sequence":null',
            '"traceparent":"00-1","tracestate":"a","correctionof":"b"',
            '"source":[]',
            '"type":{}',
            '"time":1',
            '"Traceparent":"x"',
            '"x":"\\""',
            '"x":null',
            '"sequence":null',
            '"correctionof":"b"',
            '"datacontenttype":"application/json; charset=utf-8"',
            '"datacontenttype":"text/plain"',
            '"datacontenttype":"application/json"',
        ],
    )
    def test_attributes_that_are_easily_overlooked(self, spliced: str) -> None:
        text = "{" + spliced + "," + TEXT[1:]
        assert read(text, PERSON) == read_closely(text, PERSON)

    def test_ordinary_events_do_take_the_shorter_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading_module, "read_closely", lambda *_: pytest.fail("closely"))
        assert read(TEXT, PERSON).event is not None
        assert read(json.dumps(EVENT, ensure_ascii=False, indent=1), PERSON).event is not None
        traced = {**EVENT, "traceparent": "00-1", "datacontenttype": "application/json"}
        for document in (traced, {**traced, "sequence": "1"}):
            assert read(body(document), PERSON).event is not None
        escaped = json.dumps(event(fields={"full_name": "Nguyễn"}), ensure_ascii=True)
        assert read(escaped, PERSON).event is not None


SPLICES = (
    "",
    " ",
    '"',
    "\\",
    '\\"',
    "{",
    "}",
    ",",
    ":",
    "0",
    "-0",
    "1.5",
    "null",
    "\u0000",
    "\ud800",
    '"id":"x",',
    '"sex":"male",',
    "\\u0022",
    "\ufeff",
)


@st.composite
def written(draw: st.DrawFn, document: Document) -> str:
    """An event as JSON in one of the ways that systems write it."""
    return json.dumps(
        document,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from((None, 0, 2))),
        separators=draw(st.sampled_from((None, (",", ":"), (" , ", " : ")))),
        sort_keys=draw(st.booleans()),
    )
