"""For each loss rule about schemas a document that breaks it, and how to see that the stock generator lets it pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from attrs import frozen

from .stock import Stock, document, operation

Proof = Callable[[Stock], object]


@frozen
class Case:
    """A loss: where it is found, and that it happens."""

    rule: str
    text: str
    """The document; `# here` marks the line of the finding."""
    lost: Proof
    """True if the output lacks or breaks what the document says."""
    silent: bool = True
    """The generator does not even warn."""


def fails(error: type[Exception], call: Callable[[], object]) -> bool:
    """Whether a call ends with this exception."""
    with pytest.raises(error):
        call()
    return True


def accepts(value: object) -> Proof:
    """Whether a model takes a value of its field `a`, and gives it back."""
    return lambda out: out.cls("Foo").from_dict({"a": value}).to_dict() == {"a": value}


def warned(rule: str, text: str, lost: Proof) -> Case:
    return Case(rule, text, lost, silent=False)


def schemas(text: str) -> str:
    return document(schemas=text)


def response(schema: str, type_: str = "application/json") -> str:
    return operation("", responses=f"'200':\n  description: d\n  content:\n    {type_}:\n      schema: {schema}")


CASES = [
    Case(
        "key-unknown",
        schemas("""
            Foo:
              requird: [a] # here
              properties:
                a: {type: string}
        """),
        lambda out: out.cls("Foo").from_dict({}).to_dict() == {},
    ),
    Case(
        "key-unknown",
        document(paths=operation("sumary: Told nowhere. # here")),
        lambda out: "Told nowhere" not in out.everything(),
    ),
    # What the generator warns of
    warned(
        "array-without-items",
        schemas("""
            Foo:
              type: object
              properties:
                tags: {type: array} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "class-name-taken",
        schemas("""
            foo_bar: {type: object, properties: {a: {type: string}}}
            FooBar: {type: object, properties: {b: {type: string}}} # here
        """),
        lambda out: "b:" not in out.text("models/foo_bar.py"),
    ),
    warned(
        "class-name-taken",
        schemas("""
            FooStatus: {type: object, properties: {a: {type: string}}}
            Foo:
              properties:
                status: {type: object, properties: {b: {type: string}}} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "class-name-taken",
        schemas("""
            FooStatus: {type: string, enum: [a]}
            Foo:
              properties:
                status: {type: string, enum: [b]} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    warned("enum-type", schemas("Foo: {enum: [1, one]} # here"), lambda out: not out.has("Foo")),
    warned("enum-type", schemas("Foo: {type: number, enum: [1.5]} # here"), lambda out: not out.has("Foo")),
    warned(
        "reference-circle",
        schemas("""
            Bar: {type: string}
            Foo: {$ref: '#/components/schemas/Foo'} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "reference-circle",
        schemas("""
            Foo:
              type: array
              items: {$ref: '#/components/schemas/Foo'} # here
        """),
        lambda out: any("Recursive and circular" in (error.detail or "") for error in out.errors),
    ),
    warned(
        "allof-no-object",
        schemas("""
            Id: {type: string}
            Foo: # here
              allOf: [{$ref: '#/components/schemas/Id'}, {properties: {a: {type: string}}}]
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "allof-conflict",
        schemas("""
            Base: {type: object, properties: {a: {type: string}}}
            Foo: # here
              allOf: [{$ref: '#/components/schemas/Base'}, {properties: {a: {type: integer}}}]
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "property-names-collide",
        schemas("Foo: {properties: {'+1': {type: integer}, '-1': {type: integer}}} # here"),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "union-branch",
        schemas("""
            Foo:
              properties:
                a:
                  oneOf:
                  - {type: string}
                  - {type: array} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "reference-not-found",
        schemas("""
            Bar: {properties: {a: {type: string}}}
            Foo:
              properties:
                b: {$ref: '#/components/schemas/Bar/properties/a'} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "reference-not-found",
        schemas("Foo: {properties: {b: {$ref: 'other.yaml#/Bar'}}} # here"),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "default-invalid",
        schemas("Foo: {properties: {a: {type: integer, default: many}}} # here"),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "default-invalid",
        schemas("Foo: {properties: {a: {type: string, format: date, default: 2025-01-01}}} # here"),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "default-invalid",
        schemas("Foo: {properties: {a: {type: string, enum: [x], default: y}}} # here"),
        lambda out: not out.has("Foo"),
    ),
    warned(
        "class-dropped-with-another",
        schemas("""
            Bad: {properties: {tags: {type: array}}}
            Foo: {properties: {bad: {$ref: '#/components/schemas/Bad'}}} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    # What it does silently: names
    Case(
        "module-overwritten",
        schemas("""
            Foobar: {properties: {first: {type: string}}}
            FOOBAR: {properties: {second: {type: string}}} # here
        """),
        lambda out: fails(ImportError, lambda: out.load("models")),
    ),
    Case(
        "class-renamed",
        schemas("Foo: {title: The bar, properties: {a: {type: string}}} # here"),
        lambda out: not out.has("Foo") and out.has("TheBar"),
    ),
    Case(
        "class-renamed",
        schemas("Foo: {type: [object, 'null'], properties: {a: {type: string}}} # here"),
        lambda out: not out.has("Foo") and out.has("FooType0"),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              properties:
                to_dict: {type: string} # here
        """),
        lambda out: fails(TypeError, lambda: out.cls("Foo")(to_dict="a").to_dict()),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              required: [additional_properties]
              properties:
                additional_properties: {type: string} # here
        """),
        lambda out: fails(TypeError, lambda: out.cls("Foo")(additional_properties="a")),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              properties:
                additional_keys: {type: string} # here
        """),
        lambda out: isinstance(out.cls("Foo")().to_dict()["additional_keys"], property),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              properties:
                d: {type: string} # here
                e: {type: string}
        """),
        lambda out: fails(AttributeError, lambda: out.cls("Foo").from_dict({"d": "1", "e": "2"})),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              properties:
                cls: {type: string} # here
        """),
        lambda out: fails(TypeError, lambda: out.cls("Foo").from_dict({"cls": "1"})),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              properties:
                field_dict: {type: string} # here
        """),
        lambda out: out.cls("Foo")(field_dict="a").to_dict()["field_dict"] != "a",
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              properties:
                cast: {type: array, items: {type: string}} # here
        """),
        lambda out: fails(UnboundLocalError, lambda: out.cls("Foo").from_dict({"cast": ["a"]})),
    ),
    Case(
        "property-reserved",
        schemas("""
            Foo:
              additionalProperties: {type: string, format: date}
              properties:
                prop: {type: string} # here
        """),
        lambda out: _with_more(out) != "a",
    ),
    Case(
        "property-tangled",
        schemas("""
            Bar: {properties: {a: {type: string}}}
            Foo:
              properties:
                bars_item: {type: string} # here
                bars: {type: array, items: {$ref: '#/components/schemas/Bar'}}
        """),
        lambda out: out.cls("Foo")(bars_item="mine", bars=[out.cls("Bar")()]).to_dict()["bars_item"] != "mine",
    ),
    Case(
        "class-shadows",
        document(paths=response("{$ref: '#/components/schemas/Response'}"), schemas="Response: {type: object} # here"),
        lambda out: fails(TypeError, lambda: out.read(b"{}")),
    ),
    Case(
        "class-shadows",
        schemas("Unset: {properties: {a: {type: object}}} # here"),
        lambda out: fails(AttributeError, lambda: out.cls("Unset")().to_dict()),
    ),
    Case(
        "not-python",
        schemas("""
            Foo: # here
              type: integer
              enum: [1]
              x-enum-varnames: [1st]
        """),
        lambda out: fails(SyntaxError, lambda: out.load("models")),
    ),
    Case(
        "not-python",
        schemas("""
            Foo: # here
              properties: {a: {type: number, default: .inf}}
        """),
        lambda out: fails(NameError, lambda: out.load("models")),
    ),
    Case(
        "enum-members-collide",
        schemas("""
            Foo:
              type: string
              enum:
              - a-b
              - a.b # here
        """),
        lambda out: "a-b" not in [member.value for member in out.cls("Foo")],
    ),
    Case(
        "enum-members-collide",
        schemas("""
            Foo:
              type: integer
              x-enum-varnames: [Same, same]
              enum:
              - 1
              - 2 # here
        """),
        lambda out: len(out.cls("Foo")) == 1,
    ),
    Case(
        "name-altered",
        schemas('Foo:\n  properties:\n    "a\\u200bb": {type: string} # here'),
        lambda out: out.cls("Foo")(ab="x").to_dict() == {"ab": "x"},
    ),
    Case(
        "name-altered",
        schemas('Foo:\n  type: string\n  enum:\n  - "a\\u200bb" # here'),
        lambda out: [member.value for member in out.cls("Foo")] == ["ab"],
    ),
    # What it does silently: keywords
    Case(
        "single-reference-siblings",
        schemas("""
            Base: {properties: {a: {type: string}}}
            Foo:
              allOf: [{$ref: '#/components/schemas/Base'}]
              properties: {b: {type: string}} # here
        """),
        lambda out: not out.has("Foo"),
    ),
    Case(
        "single-reference-siblings",
        schemas("""
            Base: {description: of the base, properties: {a: {type: string}}}
            Foo:
              properties:
                base:
                  allOf: [{$ref: '#/components/schemas/Base'}]
                  description: of the property # here
        """),
        lambda out: "of the property" not in out.everything(),
    ),
    Case(
        "union-siblings",
        schemas("""
            Foo:
              properties:
                a:
                  properties: {own: {type: string}} # here
                  oneOf: [{type: object, properties: {b: {type: string}}}, {type: string}]
        """),
        lambda out: "own" not in out.everything(),
    ),
    Case(
        "union-siblings",
        schemas("""
            Foo:
              properties:
                a: {oneOf: [{type: string}], anyOf: [{type: integer}]} # here
        """),
        lambda out: "a: int | str | Unset" in out.text("models/foo.py"),
    ),
    Case(
        "allof-part-ignored",
        schemas("""
            Base: {properties: {a: {type: string}}}
            Foo:
              allOf:
              - $ref: '#/components/schemas/Base'
              - properties: {b: {type: string}}
                oneOf: [{properties: {c: {type: string}}}] # here
        """),
        lambda out: "c:" not in out.text("models/foo.py"),
    ),
    Case(
        "allof-part-ignored",
        schemas("""
            Base: {properties: {a: {type: string}}, additionalProperties: {type: integer}}
            Foo:
              allOf:
              - $ref: '#/components/schemas/Base' # here
              - properties: {b: {type: string}}
        """),
        lambda out: "dict[str, Any] = _attrs_field" in out.text("models/foo.py"),
    ),
    Case(
        "allof-without-properties",
        schemas("""
            Foo:
              properties:
                a: {allOf: [{type: string, maxLength: 3}]} # here
        """),
        lambda out: fails(ValueError, lambda: out.cls("Foo").from_dict({"a": "abc"})),
    ),
    Case(
        "fixed-value-lost",
        schemas("""
            Foo:
              properties:
                a: {type: boolean, const: true} # here
        """),
        lambda out: out.cls("Foo").from_dict({"a": False}).a is False,
    ),
    Case(
        "fixed-value-lost",
        schemas("""
            Foo:
              properties:
                a: {const: x, anyOf: [{type: string}, {type: integer}]} # here
        """),
        lambda out: out.cls("Foo").from_dict({"a": "y"}).a == "y",
    ),
    Case(
        "enum-null",
        schemas("""
            Foo:
              properties:
                a: {type: string, nullable: true, enum: [x]} # here
        """),
        lambda out: fails(ValueError, lambda: out.cls("Foo").from_dict({"a": None})),
    ),
    Case(
        "nullable-ignored",
        schemas("""
            Foo:
              properties:
                a: {nullable: true, properties: {b: {type: string}}} # here
        """),
        lambda out: fails(TypeError, lambda: out.cls("Foo").from_dict({"a": None})),
    ),
    Case(
        "default-lost",
        schemas("""
            Foo:
              properties:
                a: {type: array, items: {type: string}, default: [x]} # here
        """),
        lambda out: out.cls("Foo")().to_dict() == {},
    ),
    Case(
        "default-lost",
        schemas("""
            Foo:
              properties:
                a: {type: object, properties: {b: {type: string}}, default: {b: x}} # here
        """),
        lambda out: out.cls("Foo")().to_dict() == {},
    ),
    Case(
        "default-altered",
        schemas("""
            Foo:
              properties:
                a: {type: string, default: 'say "a"'} # here
        """),
        lambda out: out.cls("Foo")().to_dict()["a"] != 'say "a"',
    ),
    Case(
        "reference-siblings",
        schemas("""
            Id: {type: string, description: an id}
            Foo:
              properties:
                a:
                  $ref: '#/components/schemas/Id'
                  description: of the one who pays # here
        """),
        lambda out: "who pays" not in out.everything() and "an id" in out.everything(),
    ),
    Case(
        "reference-siblings",
        schemas("""
            Id: {type: string}
            Foo:
              properties:
                a:
                  $ref: '#/components/schemas/Id'
                  default: none given # here
        """),
        lambda out: out.cls("Foo")().to_dict() == {},
    ),
    *(
        Case(
            "keyword-ignored",
            schemas(f"""
                Foo:
                  type: object
                  properties: {{a: {{type: string}}, b: {{type: array, items: {{}}}}}}
                  {keyword} # here
            """),
            lambda out: "unlikely" not in out.everything() and out.cls("Foo").from_dict({"a": "x"}).a == "x",
        )
        for keyword in (
            "not: {properties: {a: {const: unlikely}}}",
            "if: {properties: {a: {const: unlikely}}}",
            "then: {properties: {unlikely: {type: string}}}",
            "else: {properties: {unlikely: {type: string}}}",
            "patternProperties: {^unlikely: {type: object, properties: {a: {type: string}}}}",
            "propertyNames: {pattern: unlikely}",
            "contains: {const: unlikely}",
            "dependentSchemas: {a: {required: [unlikely]}}",
            "dependentRequired: {a: [unlikely]}",
            "unevaluatedProperties: {type: object, title: unlikely}",
            "contentMediaType: unlikely/type",
            "$defs: {Unlikely: {type: object, properties: {unlikely: {type: string}}}}",
            "$dynamicRef: '#unlikely'",
        )
    ),
    Case(
        "tuple-positions-lost",
        schemas("""
            Foo:
              properties:
                a:
                  type: array
                  prefixItems: [{type: string}, {type: integer}] # here
        """),
        lambda out: "a: list[int | str]" in out.text("models/foo.py"),
    ),
    Case(
        "discriminator-ignored",
        schemas("""
            Cat: {required: [kind], properties: {kind: {type: string}}}
            Dog: {required: [kind], properties: {kind: {type: string}}}
            Foo:
              properties:
                pet:
                  oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
                  discriminator: {propertyName: kind, mapping: {dog: '#/components/schemas/Dog'}} # here
        """),
        lambda out: isinstance(out.cls("Foo").from_dict({"pet": {"kind": "dog"}}).pet, out.cls("Cat")),
    ),
    Case(
        "union-first-wins",
        schemas("""
            Cat: {properties: {lives: {type: integer}}}
            Dog: {required: [bark], properties: {bark: {type: string}}}
            Foo:
              properties:
                pet:
                  anyOf:
                  - $ref: '#/components/schemas/Cat' # here
                  - $ref: '#/components/schemas/Dog'
        """),
        lambda out: isinstance(out.cls("Foo").from_dict({"pet": {"bark": "loud"}}).pet, out.cls("Cat")),
    ),
    Case(
        "required-undefined",
        schemas("""
            Foo:
              required:
              - patient # here
              properties: {patientId: {type: string}}
        """),
        lambda out: out.cls("Foo")().to_dict() == {},
    ),
    Case(
        "untyped",
        schemas("""
            Foo:
              properties:
                a:
                  type: array
                  items: {} # here
        """),
        lambda out: "a: list[Any]" in out.text("models/foo.py"),
    ),
    Case(
        "untyped",
        schemas("""
            Foo:
              properties:
                a: {format: date} # here
        """),
        lambda out: "a: Any" in out.text("models/foo.py"),
    ),
    # Annotations
    *(
        Case(
            "limits-unchecked",
            schemas(f"""
                Foo:
                  properties:
                    a: {{{limit}}} # here
            """),
            accepts(wrong),
        )
        for limit, wrong in (
            ("type: string, minLength: 2", "a"),
            ("type: string, maxLength: 2", "abc"),
            ("type: string, pattern: ^a$", "b"),
            ("type: integer, minimum: 2", 1),
            ("type: integer, exclusiveMaximum: 2", 2),
            ("type: integer, multipleOf: 2", 3),
            ("type: array, items: {type: string}, maxItems: 1", ["a", "b"]),
            ("type: array, items: {type: string}, uniqueItems: true", ["a", "a"]),
            ("type: object, minProperties: 1", {}),
        )
    ),
    Case(
        "format-ignored",
        schemas("""
            Foo:
              properties:
                a: {type: string, format: email} # here
        """),
        lambda out: out.cls("Foo").from_dict({"a": "no address"}).a == "no address",
    ),
    Case(
        "read-write-only-ignored",
        schemas("""
            Foo:
              required: [a]
              properties:
                a: {type: string, writeOnly: true} # here
        """),
        lambda out: fails(KeyError, lambda: out.cls("Foo").from_dict({})),
    ),
    Case(
        "deprecated-ignored",
        schemas("""
            Foo:
              properties:
                a: {type: string, deprecated: true} # here
        """),
        lambda out: "deprecated" not in out.everything().lower(),
    ),
    Case(
        "enum-descriptions-lost",
        schemas("""
            Foo:
              type: string
              enum: [a]
              x-enumDescriptions: {a: The first} # here
        """),
        lambda out: "The first" not in out.everything(),
    ),
    Case(
        "examples-lost",
        schemas("""
            Foo:
              properties:
                a: {type: string, examples: [unlikely]} # here
        """),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "annotation-ignored",
        schemas("""
            Foo:
              properties:
                a: {type: string, xml: {name: unlikely}} # here
        """),
        lambda out: "unlikely" not in out.everything(),
    ),
]


def _with_more(out: Stock) -> object:
    foo = out.cls("Foo")(prop="a")
    foo["day"] = date(2025, 6, 1)
    return foo.to_dict()["prop"]
