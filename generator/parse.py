"""What openapi-python-client makes of a document that `prepare` has derived, before a file is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError, ParseError

from .document import DocumentError
from .sources import Prepared

HERE = Path(__file__).parent


def parse(prepared: Prepared, name: str, output: Path) -> tuple[GeneratorData, Config]:
    """Have openapi-python-client read what was prepared.

    Args:
        prepared: what the document gives.
        name: how the generated files call the document.
        output: where they are to be.

    Raises:
        DocumentError: it refuses the whole, or leaves something out.
    """
    config = Config.from_sources(
        ConfigFile.load_from_path(HERE / "config.yaml"),
        meta_type=MetaType.NONE,
        document_source=Path(name),
        file_encoding="utf-8",
        overwrite=True,
        output_path=output,
    )
    parsed = GeneratorData.from_dict(prepared.document, config=config)
    if isinstance(parsed, GeneratorError):
        raise DocumentError(f"{name}:1: openapi-python-client refuses it: {parsed.header} {parsed.detail or ''}")
    errors: list[ParseError] = [*parsed.errors]
    for collection in parsed.endpoint_collections_by_tag.values():
        errors += collection.parse_errors
    if errors:
        raise DocumentError(f"{name}:1: openapi-python-client reports: {told(errors)}")
    return parsed, config


def told(errors: Sequence[GeneratorError]) -> str:
    """All that it says, in one line."""
    return " ".join("; ".join(" ".join(filter(None, (error.header, error.detail))) for error in errors).split())
