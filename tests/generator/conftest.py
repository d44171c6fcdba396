"""Shared by the tests of the generator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import jinja2
import openapi_python_client
import pytest


class _Compiled(jinja2.BytecodeCache):
    """Keeps compiled templates: the same ones are used for every run."""

    def __init__(self) -> None:
        self.buckets: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self.buckets:
            bucket.bytecode_from_string(self.buckets[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self.buckets[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def templates_are_compiled_once() -> Iterator[None]:
    """Most of a run's time goes into compiling the generator's templates; the output does not depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        environment = partial(jinja2.Environment, bytecode_cache=_Compiled())
        patch.setattr(openapi_python_client, "Environment", environment)
        yield
