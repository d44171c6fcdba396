"""The contenders: how one reads an encounter, walks through many, and reads a page with each of them.

The peers are imported by name: they are in the environment of ``make bench`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

import httpx
import orjson

from clinik_client import Clinik, EncounterPage
from clinik_client._model import read_checked
from tests.bench.peers import msgspec_page, openai_page, pydantic_page, row_of
from tests.bench.service import ENCOUNTER, body_of_page

KEY = "clk_test_bench"
HEADERS = {"x-api-key": KEY}
READ_PATH = f"/v1/encounters/{ENCOUNTER['id']}"
OURS = "clinik_client"

Work = Callable[[], Any]


# -- one encounter ----------------------------------------------------------------------------------------------------


def reads(url: str, stack: ExitStack) -> dict[str, Work]:
    """Each way to read one encounter; the result is what the caller gets."""
    bare = stack.enter_context(httpx.Client(headers=HEADERS, trust_env=False))
    newer = stack.enter_context(import_module("httpx2").Client(headers=HEADERS, trust_env=False))
    clinik = stack.enter_context(Clinik(KEY, base_url=url, trust_env=False))
    openai, stripe = _openai(url, stack), _stripe(url)
    address = url + READ_PATH
    return {
        "httpx": lambda: bare.get(address).json()["data"],
        OURS: lambda: clinik.encounters.read("enc_xyz789").data,
        "httpx2": lambda: newer.get(address).json()["data"],
        "openai": lambda: openai.get(READ_PATH, cast_to=_openai_model()).data,
        "stripe": lambda: stripe.deserialize(stripe.raw_request("get", READ_PATH), api_mode="V1").data,
    }


def id_of(result: Any) -> tuple[str, str]:
    """What shows that two contenders have read the same."""
    record = result if isinstance(result, dict) else None
    if record is not None:
        return record["id"], record["period"]["start"]
    start = result.period.start
    return result.id, _text(start)


def _text(moment: Any) -> str:
    return moment.isoformat().replace("+00:00", "Z") if isinstance(moment, datetime) else str(moment)


def ids_of_page(result: Any) -> list[str]:
    """The same for a page, of any contender's kind."""
    rows = result["data"] if isinstance(result, dict) else result.data
    return [row["id"] if isinstance(row, dict) else row.id for row in rows]


def _openai(url: str, stack: ExitStack) -> Any:
    openai = import_module("openai")
    plain = stack.enter_context(openai.DefaultHttpxClient(trust_env=False))
    return openai.OpenAI(api_key=KEY, base_url=url, max_retries=0, http_client=plain)


def _stripe(url: str) -> Any:
    stripe = import_module("stripe")
    return stripe.StripeClient(
        KEY, base_addresses={"api": url}, http_client=stripe.HTTPXClient(allow_sync_methods=True)
    )


# -- a walk -----------------------------------------------------------------------------------------------------------


def walks(url: str, pages: int, stack: ExitStack) -> dict[str, Work]:
    """Each way to walk through so many pages of 100; the result is a number that every row adds to."""
    bare = stack.enter_context(httpx.Client(headers=HEADERS, trust_env=False))
    clinik = stack.enter_context(Clinik(KEY, base_url=url, trust_env=False))
    start = f"{pages}_0"

    def dicts() -> Iterator[dict[str, Any]]:
        query = {"cursor": start, "count": "100"}
        while True:
            found = json.loads(bare.get(f"{url}/v1/encounters", params=query).content)["data"]
            yield from found["data"]
            if not found["hasMore"]:
                return
            query["cursor"] = found["cursor"]

    def models() -> Iterator[Any]:
        return clinik.encounters.search_all(cursor=start, count=100)

    return {
        "httpx, plain": lambda: sum(len(row["id"]) + len(row["status"]) for row in dicts()),
        f"{OURS}, plain": lambda: sum(len(row.id) + len(row.status) for row in models()),
        "httpx, nested": lambda: sum(map(nested_of_dict, dicts())),
        f"{OURS}, nested": lambda: sum(map(nested_of_model, models())),
    }


def nested_of_dict(row: dict[str, Any]) -> int:
    """Look at each nested field of a row."""
    return (
        len(row["period"]["start"])
        + len(row["period"]["end"])
        + len(row["participants"][0]["practitionerId"])
        + len(row["participants"][0]["role"])
        + len(row["diagnosis"][0]["condition"])
        + int(row["diagnosis"][0]["rank"])
        + len(row["hospitalization"]["admitSource"])
        + len(row["hospitalization"]["dietPreference"][0])
    )


def nested_of_model(row: Any) -> int:
    """The same of ours; the text of a moment is what came."""
    return len(row.period.start.text) + len(row.period.end.text) + _rest_of_model(row)


def moments_and_rest_of_model(row: Any) -> int:
    """The same of anybody's models, whose moments have no text."""
    return int(row.period.start.minute + row.period.end.minute) + _rest_of_model(row)


def _rest_of_model(row: Any) -> int:
    return (
        len(row.participants[0].practitioner_id)
        + len(row.participants[0].role)
        + len(row.diagnosis[0].condition)
        + int(row.diagnosis[0].rank)
        + len(row.hospitalization.admit_source)
        + len(row.hospitalization.diet_preference[0])
    )


def openai_walk(url: str, pages: int, stack: ExitStack) -> Work:
    """openai's own way to walk through pages."""
    openai = _openai(url, stack)
    pagination = import_module("openai._base_client")
    model = row_of(openai_page())

    def next_page(found: Any) -> Any:
        if not found.data.get("hasMore"):
            return None
        return pagination.PageInfo(params={"cursor": found.data["cursor"]})

    def items(found: Any) -> list[Any]:
        return [model.construct(**row) for row in found.data["data"]]

    members = {
        "__annotations__": {"data": dict[str, Any]},
        "next_page_info": next_page,
        "_get_page_items": items,
    }
    page: Any = type("Page", (pagination.BaseSyncPage,), members)
    page = page[model]
    query = {"cursor": f"{pages}_0", "count": "100"}
    return lambda: sum(
        len(row.id) + len(row.status)
        for row in openai.get_api_list("/v1/encounters", page=page, model=model, options={"params": query})
    )


# -- a page -----------------------------------------------------------------------------------------------------------


def pages(stock: Any) -> dict[str, Work]:
    """Each way from the bytes of a page to its records; those that have been touched are added up.

    Ours is what a call does with the bytes of a response: what is decoded for it is nobody else's. `from_dict` cannot
    know that, and copies what it keeps.
    """
    body = orjson.dumps(orjson.loads(body_of_page())["data"])
    pydantic_reads = pydantic_page().model_validate_json
    msgspec_reads = import_module("msgspec").json.Decoder(msgspec_page()).decode
    stripe_object = import_module("stripe").StripeObject

    def ours() -> Any:
        return read_checked(EncounterPage, orjson.loads(body), own=True)

    def from_dict() -> Any:
        return EncounterPage.from_dict(orjson.loads(body))

    def touched(read: Work) -> Work:
        return lambda: sum(moments_and_rest_of_model(row) for row in read().data)

    return {
        "pydantic": lambda: pydantic_reads(body),
        "pydantic, touched": touched(lambda: pydantic_reads(body)),
        OURS: ours,
        f"{OURS}, touched": touched(ours),
        f"{OURS}, from_dict": from_dict,
        f"{OURS}, from_dict, touched": touched(from_dict),
        f"{OURS}, to_dict": ours().to_dict,
        f"{OURS}, from_dict, to_dict": from_dict().to_dict,
        "json": lambda: json.loads(body),
        "orjson": lambda: orjson.loads(body),
        "msgspec": lambda: msgspec_reads(body),
        "stock generator": lambda: stock.from_dict(json.loads(body)),
        "stripe": lambda: stripe_object.construct_from(json.loads(body), KEY),
    }


@cache
def _openai_model() -> Any:
    base = import_module("openai").BaseModel
    kinds = {"data": row_of(openai_page())}
    return type("PeersEnvelope", (base,), {"__annotations__": kinds, "__module__": __name__})
