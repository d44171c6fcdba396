"""A value is found in a text in whatever usual way it is encoded."""

from __future__ import annotations

import base64
import html
import json
import unicodedata
from array import array
from collections.abc import Callable
from contextlib import suppress
from html.entities import codepoint2name
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import _encodings
from clinik_client._privacy import REDACTED, Redactor

# -- in every form ----------------------------------------------------------------------------------------------------

SENTENCES = st.sampled_from(
    [
        ("type: the text ", " is not known"),
        ("", ""),
        ("(", ")"),
        ('{"error": "', '"}'),
        ("no such record; see https://api.example/v1/records?q=", "&page=x"),
        ("x", "y"),
        ("q=", "="),
    ]
)
# Letters that no sentence above has, of several kinds; and what means something in one of the encodings.
LETTERS = "\u00eb\u00df\u0416\u4e2d\U0001f600Zz9 +%&;/\\\"'-_"


def folded(text: str) -> str:
    """What two texts have in common that read the same."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def as_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def as_base64_at(place: int) -> Callable[[str], str]:
    return lambda text: base64.b64encode(b"\xc3\xa9~"[:place] + text.encode() + b"~~"[place:]).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "JSON": as_json,
    "JSON, all": lambda text: "".join(f"\\u{unit:04x}" for unit in array("H", text.encode("utf-16-le"))),
    "HTML": html.escape,
    "HTML, named": lambda text: "".join(
        f"&{codepoint2name[ord(letter)]};" if ord(letter) in codepoint2name else letter for letter in text
    ),
    "HTML, decimal": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "HTML, hex": lambda text: "".join(f"&#X{ord(letter):X};" for letter in text),
    "percent": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "percent, all": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, urlsafe, no padding": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 at 1": as_base64_at(1),
    "base64 at 2": as_base64_at(2),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex(" ").upper(),
    "NFC": lambda text: unicodedata.normalize("NFC", text),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "white space": lambda text: text.replace(" ", "\u00a0\n "),
}
# Upper case after base64, say, is no form of anything.
AFTER = [name for name in FORMS if "case" not in name]


def readings(text: str) -> list[str]:
    """A text, and what somebody who knows its form reads in it."""
    found = [text]
    with suppress(ValueError):
        found.append(json.loads(f'"{text}"'))
    return [*found, unquote(text), unquote_plus(text), html.unescape(text)]


carried_values = st.text(LETTERS, min_size=4, max_size=30).filter(lambda text: len(folded(text)) >= 4)


@given(carried_values, st.sampled_from(list(FORMS)), st.sampled_from(AFTER), SENTENCES)
def test_a_value_is_left_in_no_form(value: str, first: str, second: str, sentence: tuple[str, str]) -> None:
    told = FORMS[second](FORMS[first](value))
    before, after = sentence
    redactor = Redactor([value])
    clean = redactor.clean(before + told + after)
    assert REDACTED in clean
    assert folded(told) not in folded(clean.replace(REDACTED, "\0")) or len(told) < 4
    for reading in readings(clean.replace(REDACTED, "\0")):
        assert folded(value) not in folded(reading)
    assert redactor.touches(told)


@given(st.sampled_from(["VR", "I10", "ER", "M54", "\u00c4r"]), st.sampled_from(list(FORMS)))
def test_a_short_value_is_left_in_no_form_as_a_word(value: str, form: str) -> None:
    told = FORMS[form](value)
    if form.startswith("base64 at") or (form == "HEX" and len(value) < 2):
        told = FORMS["base64"](value)
    clean = Redactor([value]).clean(f"class: {told} is not known")
    assert REDACTED in clean
    assert told.casefold() not in clean.casefold()


@pytest.mark.parametrize("text", ["every word", "IVR", "ER10", "i100"])
def test_short_values_are_no_parts_of_words(text: str) -> None:
    assert Redactor(["ER", "VR", "I10", "x", "", " "]).clean(text) == text


WORDS = "lengthMinutes must be at most period.start diagnosis[0].rank: Required status one of the no record"


@given(
    st.lists(st.sampled_from(WORDS.split()), max_size=30),
    st.lists(st.text("qxjzQXJZ\u00eb\u4e2d 0123456789", min_size=2, max_size=12), max_size=5),
)
def test_a_sentence_without_anything_that_was_carried_stays_as_it_is(words: list[str], carried: list[str]) -> None:
    text = " ".join(words)
    assert Redactor(carried, "clk_test_qxjzQXJZ0123456789").clean(text) == text


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=4))
def test_what_is_cleaned_is_clean(text: str, carried: list[str]) -> None:
    redactor = Redactor(carried)
    clean = redactor.clean(" ".join([text, *carried]))
    assert not redactor.touches(clean.replace(REDACTED, "\0").removesuffix("..."))


@given(st.text("abc def", min_size=30, max_size=60).filter(lambda text: len(text.split()) > 1), st.integers(12, 29))
def test_the_beginning_of_a_long_value_is_the_value(value: str, length: int) -> None:
    beginning = " ".join(value.split())[:length].strip()
    if len(beginning) >= 12:
        assert Redactor([value]).clean(f"'{beginning}...' is too long") == f"'{REDACTED}...' is too long"


@pytest.mark.parametrize("text", ["ZoedeVries", "z o e d e v r i e s", "1234 5678 9012", "ab c123"])
def test_a_long_value_is_found_without_its_white_space(text: str) -> None:
    assert Redactor(["Zo\u00eb de Vries", "123456789012", "ABC 123"]).clean(f"No {text}.") == REDACTED


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("a%41b", "aAb"),
        ("Ren%C3%A9", "René"),
        ("Ren%E9", "René"),
        ("a+b", "a b"),
        ("Ren&eacute; &#x1F600;", "René \U0001f600"),
        (r"\U0010FFFF \x41", "\U0010ffff A"),
        (r"\U00110000", "\ufffd"),
        (r"\ud800x \ud83d\ude00", "\ufffdx \U0001f600"),
    ],
)
def test_each_encoding_is_read(text: str, reading: str) -> None:
    assert reading in _encodings.readings(text)


def test_what_stands_plainly_is_taken_out_in_its_place() -> None:
    redactor = Redactor(["Zo\u00eb de Vries", "I10", "20000", "planned"])
    assert redactor.clean("No ZOE\u0308 DE\u00a0VRIES: i10, 20000") == f"No {REDACTED}: {REDACTED}, {REDACTED}"
    assert redactor.clean("unplanned") == f"un{REDACTED}"
