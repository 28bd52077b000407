"""A file is judged here as the service would judge it, before anything is uploaded."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.lienthong.intake import LOOKED_AT, look
from infra.lienthong.messages import manifest_beside, messages_of
from infra.lienthong.problems import Misuse, Refused
from tests.builders import body, event
from tests.manifests import CARDS, HEADER, ROW, cards, row


def csv(
    folder: Path, *lines: str, manifest: Mapping[str, Any] = CARDS, packed: bool = False
) -> Path:
    file = folder / ("cards.csv.gz" if packed else "cards.csv")
    text = "\r\n".join([HEADER, *lines, ""]).encode()
    file.write_bytes(gzip.compress(text) if packed else text)
    (folder / "cards.csv.manifest.json").write_text(json.dumps(manifest), "utf-8")
    return file


@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_is_looked_at_by_the_manifest_beside_it(tmp_path: Path, packed: bool) -> None:
    file = csv(tmp_path, ROW, row(gioi_tinh="x"), "1,2", "", ROW, packed=packed)

    found = look(file, manifest_beside(file))

    assert (found.format, found.queue, found.lines) == ("csv", "insurance", 4)
    assert [line.number for line in found.refused] == [3, 4]
    assert found.refused[0].reasons == ("/data/sex: This must be 'male' or 'female'.",)
    assert found.refused[1].reasons[0].startswith("The row has 2 cells")
    assert json.loads(found.manifest) == CARDS


def test_ndjson_needs_no_manifest_and_gets_one_that_says_so(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join([body(event(id_="1")), "nonsense", ""]), "utf-8")

    found = look(file, manifest_beside(file))

    assert (found.format, found.queue, found.lines) == ("ndjson", "population", 2)
    assert [line.number for line in found.refused] == [2]
    assert json.loads(found.manifest) == {"format": "ndjson"}


def test_only_the_first_lines_are_tried(tmp_path: Path) -> None:
    file = csv(tmp_path, *[ROW] * (LOOKED_AT + 50))

    assert look(file, manifest_beside(file)).lines == LOOKED_AT


def test_a_csv_without_a_manifest_is_told_how_to_write_one(tmp_path: Path) -> None:
    file = tmp_path / "cards.csv"
    file.write_text(f"{HEADER}\n{ROW}\n", "utf-8")

    with pytest.raises(Misuse, match="needs a manifest"):
        look(file, manifest_beside(file))


def test_every_complaint_about_a_manifest_is_told(tmp_path: Path) -> None:
    file = csv(tmp_path, ROW, manifest=cards(ignore=[], id="x"))

    with pytest.raises(Refused) as error:
        look(file, manifest_beside(file))

    assert "nothing was uploaded" in error.value.message
    assert len(error.value.details) >= 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no line"),
        (b"PK\x03\x04 and so on", "is a workbook or a ZIP archive"),
        (HEADER.encode("utf-16"), "is UTF-16"),
        (b"[{}]", "one JSON array"),
    ],
)
def test_what_is_no_file_of_lines_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    with pytest.raises(Refused) as error:
        look(file, None)

    assert says in " ".join([error.value.message, *error.value.details])


def test_a_manifest_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = csv(tmp_path, ROW)

    with pytest.raises(Misuse, match="There is no manifest"):
        look(file, tmp_path / "other.json")


def test_a_csv_gives_its_messages_with_line_numbers_and_queue(tmp_path: Path) -> None:
    file = csv(tmp_path, ROW, "1,2", packed=True)

    first, second = messages_of([str(file)])

    assert json.loads(first.body)["subject"] == "0123456789"
    assert (first.line, first.queue) == (2, "insurance")
    assert (second.line, second.body, second.queue) == (3, b"1,2", "insurance")


def test_a_csv_without_manifest_gives_no_messages(tmp_path: Path) -> None:
    file = tmp_path / "cards.csv"
    file.write_text(f"{HEADER}\n{ROW}\n", "utf-8")

    with pytest.raises(Misuse, match="without its manifest"):
        list(messages_of([str(file)]))
