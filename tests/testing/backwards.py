"""A pytest plugin for the projects of these tests: it runs their tests in another order, as plugins of users do."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.reverse()
