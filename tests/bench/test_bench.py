"""The benchmarks measure what they say: the same records for all, ratios to the peer, and a page that tells both."""

from __future__ import annotations

from contextlib import ExitStack
from xml.etree import ElementTree

import httpx
import pytest

from clinik_client import Clinik, Encounter
from clinik_client._model import schema_of
from tests.bench.chart import chart
from tests.bench.contenders import HEADERS, KEY, READ_PATH, id_of, nested_of_dict, nested_of_model, walks
from tests.bench.layers import layers
from tests.bench.measure import Ratio, in_turns, ratios
from tests.bench.report import document
from tests.bench.service import ENCOUNTER, ROWS, service
from tests.bench.targets import Row


def row(median: float, **wanted: float) -> Row:
    return Row("Read <one>", "httpx", Ratio(median, median - 0.1, median + 0.1), **wanted)


def test_a_ratio_is_the_median_of_those_to_the_peer_of_the_same_round() -> None:
    assert Ratio.of([1.0, 4.0, 9.0], [1.0, 2.0, 3.0]) == Ratio(2.0, 1.0, 3.0)
    assert str(Ratio.of([1.0], [3.0])) == "0.33 (0.33 to 0.33)"


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    turns: list[str] = []

    def of(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    figures = in_turns(2, {"a": lambda: of("a"), "b": lambda: of("b")})
    assert turns == ["a", "b"] * 3
    assert figures == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
    assert ratios(figures, "a")["b"] == Ratio.of([4.0, 6.0], [3.0, 5.0])


@pytest.mark.parametrize(
    ("wanted", "met"),
    [({}, True), ({"most": 0.5}, True), ({"most": 0.49}, False), ({"least": 0.5}, True), ({"least": 0.51}, False)],
)
def test_a_ratio_that_is_worse_than_wanted_is_not_met(wanted: dict[str, float], met: bool) -> None:
    assert row(0.5, **wanted).is_met is met


def test_the_page_and_the_chart_show_each_row() -> None:
    rows = [row(0.5, most=0.65), row(3.0, least=0.8)]
    text = document([*rows, Row("Where: h11", "httpx", Ratio(0.3, 0.2, 0.4))], "Where")
    assert "| Read <one> | httpx | 0.50 (0.40 to 0.60) | at most 0.65 |" in text
    assert "| h11 | 0.30 (0.20 to 0.40) |" in text
    drawn = ElementTree.fromstring(chart(rows))
    assert [text.text for text in drawn.findall(".//{*}text")][:4] == ["Read <one>", "0.50", "Read <one>", "3.00"]


def test_all_read_the_same_records() -> None:
    with service() as url, ExitStack() as stack:
        works = walks(url, 3, stack)
        assert works["httpx, plain"]() == works["clinik_client, plain"]() > 3 * ROWS
        assert works["httpx, nested"]() == works["clinik_client, nested"]() > 3 * ROWS
        bare = stack.enter_context(httpx.Client(headers=HEADERS, trust_env=False))
        clinik = stack.enter_context(Clinik(KEY, base_url=url, trust_env=False))
        theirs, ours = bare.get(url + READ_PATH).json()["data"], clinik.encounters.read("enc_xyz789").data
        assert id_of(theirs) == id_of(ours)
        assert nested_of_dict(theirs) == nested_of_model(ours)
        for work in layers(url, stack).values():
            assert work()


def test_the_record_has_every_field_that_the_document_describes() -> None:
    record = Encounter.from_dict(ENCOUNTER)
    assert set(ENCOUNTER) == set(schema_of(Encounter).by_wire)
    assert record.hospitalization is not None
    assert set(ENCOUNTER["hospitalization"]) == set(schema_of(type(record.hospitalization)).by_wire)
