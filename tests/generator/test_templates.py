"""Few templates are overridden, each says why, and none silently hides a change of the generator's own."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import openapi_python_client
import pytest

from generator.__main__ import HERE

STOCK = Path(openapi_python_client.__file__).parent / "templates"

# The stock template that each override was written against. When one differs: compare the two versions, carry over what
# matters, and only then change the hash.
WRITTEN_AGAINST = {
    "endpoint_init.py.jinja": "c1837a037fdbbd85b5dc1d49f58bd80a672fe4496cfaaf84d3b91927027b56da",
    "endpoint_module.py.jinja": "c1b2628053eb4875ba59566baa5ae907666f9cbfafa308d93f970a4404b7cd52",
    "int_enum.py.jinja": "cf8776855b1d826971501d5f6d5b38c3cb496aad9276684b8ece268db67918bc",
    "model.py.jinja": "fd1c79680d51c06cfbb89809ad123750ba9add98b688036c04cabbf1f8ba40a0",
    "models_init.py.jinja": "4f64a3d6e1b15a561be5573c1b7702eb928c0e4fa6b67107d20e57a74c44d51a",
    "package_init.py.jinja": "ac15907e32dc39bd9b83ea6f2002fb87514f2182b97f88231b5a9c47321f6210",
    "str_enum.py.jinja": "e4979a5e6b338351eda8bdac534017cfbeb51a809b494fd3c632db39414817fc",
    "types.py.jinja": "93df9d75883a4eafac77dd21bc6907f3ef612e3f7841e08656618dcf6c4ce494",
}

OVERRIDES = sorted((HERE / "templates").iterdir())


def test_the_generator_and_its_formatter_are_the_pinned_ones() -> None:
    pins = (HERE.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"openapi-python-client=={version("openapi-python-client")}"' in pins
    assert f'"ruff=={version("ruff")}"' in pins


def test_every_override_is_listed_and_every_listed_one_is_there() -> None:
    assert [path.name for path in OVERRIDES] == sorted(WRITTEN_AGAINST)


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda path: str(path.name))
def test_the_stock_template_is_the_one_that_the_override_was_written_against(override: Path) -> None:
    stock = (STOCK / override.name).read_bytes()
    assert hashlib.sha256(stock).hexdigest() == WRITTEN_AGAINST[override.name]


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda path: str(path.name))
def test_every_override_is_short_and_says_why_it_is_there(override: Path) -> None:
    text = override.read_text(encoding="utf-8")
    assert text.startswith("{# Overridden")
    assert len(text.splitlines()) <= 90
