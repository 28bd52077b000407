"""What a dropped file is, told from its beginning, its manifest and its name."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from functions.shared.core.intake import HEAD, LARGEST_MANIFEST, Examined, examine, queue_of
from functions.shared.core.loads import Form, LoadState
from tests.builders import body, event

NAME: Final = "incoming/H26.12/cards.ndjson"
CSV: Final[dict[str, Any]] = {
    "format": "csv",
    "source": "/agencies/G24",
    "type": "vn.lienthong.insurance-card.updated.v1",
    "id": "row-{so}",
    "time": {"value": "2026-01-05T09:31:00+07:00"},
    "columns": {
        "so": {"field": "insurance_number"},
        "dien_thoai": {"field": "phone"},
    },
}
HEADER: Final = "so,dien_thoai"


def examined(head: str | bytes, manifest: object = None, name: str = NAME) -> Examined:
    head = head.encode() if isinstance(head, str) else head
    if manifest is not None and not isinstance(manifest, bytes):
        manifest = json.dumps(manifest).encode()
    return examine(name, head, manifest)


def assert_says(found: Examined, state: LoadState, *words: str) -> None:
    assert found.state is state
    assert found.form is None
    text = " ".join(found.problems)
    for word in words:
        assert word in text
    assert all(problem.endswith((".", ")")) for problem in found.problems)


class TestLinesOfEvents:
    def test_they_need_no_manifest(self) -> None:
        found = examined(body(event()) + "\nnonsense\n")
        assert found == Examined(LoadState.SPLITTING, (), Form.NDJSON, "population")

    def test_bad_lines_before_the_first_event_do_not_matter(self) -> None:
        line = body({**event(), "type": "vn.lienthong.dossier.rated.v1"})
        found = examined("\ufeff\r\nnonsense\n\n" + line)
        assert (found.state, found.form, found.queue) == (
            LoadState.SPLITTING,
            Form.NDJSON,
            "dossier",
        )

    def test_a_file_without_lines_is_loaded(self) -> None:
        assert examined("").state is LoadState.SPLITTING
        assert examined("\n\n", name="incoming/x.csv").state is LoadState.SPLITTING

    def test_where_no_kind_can_be_read_the_peoples_queue_takes_the_lines(self) -> None:
        assert examined("{}\n{broken").queue == "population"

    def test_their_manifest_names_the_queue(self) -> None:
        found = examined("nonsense", {"format": "ndjson", "queue": "insurance"})
        assert (found.form, found.queue) == (Form.NDJSON, "insurance")

    def test_a_json_array_is_no_file_of_lines(self) -> None:
        assert_says(examined(f"[{body(event())}]"), LoadState.FAILED, "one JSON array")

    def test_one_event_over_several_lines_is_none(self) -> None:
        pretty = json.dumps(event(), indent=2)
        assert_says(examined(pretty), LoadState.FAILED, "over several lines")

    def test_what_is_no_text_is_none(self) -> None:
        assert_says(examined("{}".encode("utf-16")), LoadState.FAILED, "no text in UTF-8")


class TestRows:
    def test_they_need_a_manifest(self) -> None:
        found = examined(f"{HEADER}\n0123456789,0912345678")
        assert_says(found, LoadState.WAITING, "needs a manifest", ".manifest.json")

    @pytest.mark.parametrize("name", ["incoming/a.csv", "incoming/a.CSV.gz"])
    def test_so_does_whatever_is_called_a_csv(self, name: str) -> None:
        assert examined("{brace},b\n", name=name).state is LoadState.WAITING

    def test_with_it_they_state_events_of_its_type(self) -> None:
        found = examined(f"\ufeff{HEADER}\r\n0123456789,0912345678\r\n", CSV)
        assert (found.state, found.form, found.queue, found.header) == (
            LoadState.SPLITTING,
            Form.CSV,
            "insurance",
            HEADER,
        )
        assert json.loads(found.manifest or "") == CSV

    def test_a_manifest_that_does_not_fit_the_header_fails_the_load(self) -> None:
        found = examined("so,khac\n1,2", CSV)
        assert_says(found, LoadState.FAILED, "khac", "drop it again")

    def test_every_complaint_about_a_manifest_is_listed(self) -> None:
        found = examined(HEADER, {**CSV, "colums": {}, "id": ""})
        assert_says(found, LoadState.FAILED, "colums", "id")

    @pytest.mark.parametrize(
        ("manifest", "said"),
        [
            (b"{", "not JSON"),
            (b"\xff", "not UTF-8"),
            (b"[]", "JSON object"),
            (b"{}", "format"),
            (b"x" * (LARGEST_MANIFEST + 1), "smaller one"),
        ],
    )
    def test_what_is_no_manifest_fails_the_load(self, manifest: bytes, said: str) -> None:
        assert_says(examined(HEADER, manifest), LoadState.FAILED, said)

    def test_a_file_without_a_header_fails(self) -> None:
        assert_says(examined("", CSV), LoadState.FAILED, "empty")
        assert_says(examined("x" * HEAD, CSV), LoadState.FAILED, "no header")
        assert_says(examined(b"\xff,b\n", CSV), LoadState.FAILED, "not UTF-8")


@pytest.mark.parametrize(
    ("text", "queue"),
    [
        (body(event()), "population"),
        ('{"type": "vn.lienthong.agency.nonsense"}', "registry"),
        ('{"type": "vn.lienthong.other.x.v1"}', None),
        ('{"type": 1}', None),
        ("[]", None),
        ("nonsense", None),
        ('{"type": "vn.lienthong.person.moved.v1", "id": "\\ud800"}', "population"),
        ('{"type": "vn.lienthong.person.moved.v1", "id": "\udcff"}', "population"),
        ('{"a":' * 100_000, None),
    ],
)
def test_the_queue_of_a_line_is_that_of_the_kind_it_names(text: str, queue: str | None) -> None:
    assert queue_of(text) == queue
