"""Every bulk call of a batch times all that can happen on the wire, over both wires.

The walk over faults stands in for a client and so begins where botocore ends. This one begins at
the socket: what the direct wire and botocore make of a connection that breaks, and that a
transaction which is sent again because nobody heard its answer is done once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final, cast

import pytest

from functions.shared.adapters.clients import Clients
from tests.integration.functions.memory import tables_of
from tests.integration.functions.service import BREAKS, Break, Service, running
from tests.integration.functions.shared.runtime.test_fault_walk import Walk
from tests.integration.functions.stack import Aws
from tests.integration.functions.walk import Delivered, Ear, delivered

BULK: Final = ("BatchGetItem", "TransactWriteItems")
_numbers: Final = count(1)


@pytest.fixture(autouse=True)
def _services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"wire-walk-{next(_numbers)}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", served.url)
        yield served


def over(service: Service, walk: Walk, client: Any, breaks: Mapping[int, Break]) -> Delivered:
    """A scene delivered over the wire; its tables are then as they should be."""
    site = walk.scene.site.again()
    tables = tables_of(site.aws)
    assert tables is not None
    service.serve(tables, breaks)
    wired = copy.copy(site)
    wired.aws = Aws(cast(Any, client), site.aws.s3)
    found = delivered(wired, walk.scene.start(wired), walk.scene.batch, Ear(), None)
    walk.assert_whole(site)
    assert found.ear.failures == []
    return found


FEW: Final = ("cut before the work", "reset after the work", "half an answer")


@pytest.mark.parametrize(("scene", "names"), [("insurance", tuple(BREAKS)), ("population", FEW)])
def test_every_bulk_call_over_the_direct_wire(
    service: Service, scene: str, names: Sequence[str]
) -> None:
    """One break is healed below the pipeline: nobody above hears of it."""
    walk = Walk(scene)
    client = Clients().dynamodb(direct_wire=True)
    undisturbed = over(service, walk, client, {})
    asked = list(service.asked)
    assert set(BULK) < set(asked)
    for number, operation in enumerate(asked, 1):
        if operation not in BULK:
            continue
        for name in names:
            try:
                found = over(service, walk, client, {number: BREAKS[name]})
                assert found.ear.ends == undisturbed.ear.ends
                assert found.deliveries == 1
            except BaseException as error:
                error.add_note(f"{name} at request {number}, {operation}")
                raise


@pytest.mark.parametrize("direct", [False, True], ids=["plain", "direct"])
@pytest.mark.parametrize(
    "name",
    [
        "cut after the work",
        "half an answer",
        "a proxy's page after the work",
        "throttled",
        "throttled, and cut off",
    ],
)
def test_breaks_that_go_on_are_left_to_the_pipeline(
    service: Service, direct: bool, name: str
) -> None:
    """Both tries of botocore break, and the one of the direct wire before them."""
    walk = Walk("insurance")
    client = Clients().dynamodb(direct_wire=direct)
    over(service, walk, client, {})
    first = {operation: service.asked.index(operation) + 1 for operation in BULK}
    for number in first.values():
        over(service, walk, client, dict.fromkeys(range(number, number + 2 + direct), BREAKS[name]))


def test_a_transaction_whose_answer_was_lost_is_asked_again_under_its_token(
    service: Service,
) -> None:
    walk = Walk("insurance")
    client = Clients().dynamodb(direct_wire=True)
    over(service, walk, client, {})
    number = service.asked.index("TransactWriteItems") + 1
    over(service, walk, client, {number: BREAKS["cut after the work"]})
    assert service.repeated == 1
