"""The guide on loading: its example is a manifest that fits its file, and does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from functions.shared.core import rows
from functions.shared.core.kinds import INSURANCE_CARD
from functions.shared.core.reading import Reading, read
from infra.build.costs import Prices, load_table
from schemas.load_manifest import Column, CsvManifest

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = (ROOT / "infra/docs/loading.md").read_text("utf-8")


def block(language: str) -> str:
    """The first block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def manifest() -> dict[str, Any]:
    found, problems = rows.read_manifest(block("json"))
    assert found is not None, problems
    return dict(found)


def readings() -> list[Reading]:
    header, *lines = block("csv").splitlines()
    body_of = rows.mapper(manifest(), header)
    return [read(body_of(line), INSURANCE_CARD) for line in lines]


def test_the_manifest_fits_the_file() -> None:
    assert rows.complaints(manifest(), block("csv").splitlines()[0]) == []


def test_the_rows_are_taken_and_refused_as_the_guide_says() -> None:
    first, second, third = readings()

    assert first.event is not None
    assert dict(first.event.statements)["primary_facility"] == "01020"
    assert second.event is not None
    stated = dict(second.event.statements)
    assert (stated["date_of_birth"], stated["address"]) == ("1958", "7, ngõ 3 phố Mẫu")
    assert "phone" not in stated
    assert [reason.path for reason in third.reasons] == ["/data/date_of_birth", "/data/sex"]


def test_the_report_shown_has_the_reasons_of_that_row() -> None:
    shown = re.findall(r'"path": "([^"]+)", "text": "([^".]+)', GUIDE)

    assert [path for path, _ in shown] == [reason.path for reason in readings()[2].reasons]
    for (_, text), reason in zip(shown, readings()[2].reasons, strict=True):
        assert reason.text.startswith(text.rstrip())


def test_everything_a_manifest_may_say_is_explained() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", GUIDE))

    assert CsvManifest.__annotations__.keys() - {"format", "note"} <= explained
    assert Column.__annotations__.keys() - {"field"} <= explained


def test_the_costs_are_those_of_the_model() -> None:
    assert "\n".join(load_table(Prices())) in GUIDE


def test_the_demos_manifest_fits_its_file() -> None:
    file = ROOT / "events/demo/08-cards.csv"
    header = file.read_text("utf-8-sig").splitlines()[0]
    text = file.with_name(f"{file.name}.manifest.json").read_text("utf-8")
    found, problems = rows.read_manifest(text)

    assert problems == []
    assert found is not None
    assert rows.complaints(found, header) == []
    assert json.loads(text)["source"] == "/agencies/G24"
