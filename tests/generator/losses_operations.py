"""For each loss rule about operations a document that breaks it, and how to see that the generator lets it pass."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from io import BytesIO

from .losses_schemas import Case, fails, response, warned
from .stock import document, operation, parameter


def op(text: str, method: str = "get") -> str:
    return document(paths=operation(text, method=method))


def body(content: str) -> str:
    return op(f"requestBody:\n  required: true\n  content:\n{_indented(content, 4)}", "post")


def responses(text: str) -> str:
    return document(paths=operation("", responses=text))


def _indented(text: str, by: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * by)


OK = "'200': {description: d, content: {application/json: {schema: {type: string}}}}"

CASES = [
    # What the generator warns of
    warned(
        "parameter-type",
        document(paths=parameter("header", "{type: string, format: date-time}", mark="name")),
        lambda o: not o.has_op,
    ),
    warned(
        "parameter-type",
        document(paths=parameter("header", "{type: array, items: {type: string}}", mark="name")),
        lambda o: not o.has_op,
    ),
    warned(
        "parameter-type",
        op("parameters:\n- {name: p, in: path, schema: {type: string}} # here").replace("/x:", "/x/{p}:"),
        lambda out: not out.has_op,
    ),
    warned(
        "path-parameters", op("").replace("/x:", "/x/{id}:").replace("get:", "get: # here"), lambda out: not out.has_op
    ),
    warned(
        "parameter-names-collide",
        op("""
            parameters:
            - {name: '+1', in: query, schema: {type: string}}
            - {name: '-1', in: query, schema: {type: string}}
        """).replace("get:", "get: # here"),
        lambda out: not out.has_op,
    ),
    warned(
        "parameter-names-collide",
        op("""
            parameters:
            - {name: a, in: query, schema: {type: string}}
            - {name: a, in: query, schema: {type: string}}
        """).replace("get:", "get: # here"),
        lambda out: not out.has_op,
    ),
    warned(
        "parameter-reference",
        document(
            paths=operation("parameters:\n- $ref: '#/components/parameters/Filter'"),
            components="parameters:\n  Filter: # here\n    name: f\n    in: query\n    content: {application/json: {}}",
        ),
        lambda out: not out.has_op,
    ),
    warned(
        "parameter-reference",
        document(
            paths=operation("parameters:\n- $ref: '#/components/parameters/Alias'"),
            components="parameters:\n  Alias: {$ref: '#/components/parameters/P'} # here\n"
            "  P: {name: p, in: query, schema: {type: string}}",
        ),
        lambda out: not out.has_op,
    ),
    warned(
        "status-pattern",
        responses(f"{OK}\n4xx: {{description: d, content: {{application/json: {{schema: {{type: string}}}}}}}} # here"),
        lambda out: "4" not in out.text("api/default/op.py").partition("_parse_response")[2].partition("_build")[0],
    ),
    warned(
        "response-media-type",
        document(paths=response("{type: string}", "application/pdf").replace("'200':", "'200': # here")),
        lambda out: "200" not in out.text("api/default/op.py"),
    ),
    warned(
        "response-media-type",
        document(paths=response("{type: string}", "'*/*'").replace("'200':", "'200': # here")),
        lambda out: "200" not in out.text("api/default/op.py"),
    ),
    warned(
        "response-reference",
        document(
            paths=operation("", responses="'200': {$ref: '#/components/responses/Alias'} # here"),
            components="responses:\n  Alias: {$ref: '#/components/responses/R'}\n  R: {description: d}",
        ),
        lambda out: "200" not in out.text("api/default/op.py"),
    ),
    warned(
        "body-media-type",
        op("requestBody: {content: {application/xml: {schema: {type: string}}}}", "post").replace(
            "post:", "post: # here"
        ),
        lambda out: not out.has_op,
    ),
    warned(
        "body-media-type",
        body("""
            application/xml: {schema: {type: string}}
            application/json: {schema: {type: string}}
        """).replace("requestBody:", "requestBody: # here"),
        lambda out: "xml" not in out.everything(),
    ),
    warned(
        "body-without-schema",
        op("requestBody: {content: {application/json: {}}}", "post").replace("post:", "post: # here"),
        lambda out: not out.has_op,
    ),
    warned(
        "body-reference",
        op("requestBody: {$ref: '#/components/requestBodies/None'}", "post").replace("post:", "post: # here"),
        lambda out: not out.has_op,
    ),
    warned(
        "reference-not-found",
        document(
            paths=response("{$ref: '#/components/schemas/Foo'}").replace("'200':", "'200': # here"),
            schemas="Foo: {type: array}",
        ),
        lambda out: "200" not in out.text("api/default/op.py"),
    ),
    # What it does silently: operations
    Case(
        "operation-overwritten",
        document(
            paths="""
                /a:
                  get:
                    operationId: getThing # here
                    responses: {'204': {description: d}}
                /b: {get: {operationId: get_thing, responses: {'204': {description: d}}}}
            """
        ),
        lambda out: '"/a"' not in out.everything(),
    ),
    Case(
        "operation-overwritten",
        document(
            paths="""
                /a/{b}:
                  get: # here
                    parameters: [{name: b, in: path, required: true, schema: {type: string}}]
                    responses: {'204': {description: d}}
                /a/b: {get: {responses: {'204': {description: d}}}}
            """
        ),
        lambda out: '"/a/{b}"' not in out.everything(),
    ),
    Case(
        "section-ignored",
        document(more="webhooks: {unlikely: {post: {responses: {'204': {description: d}}}}} # here\n"),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "section-ignored",
        op("callbacks: {unlikely: {'{$request.body#/url}': {post: {responses: {'204': {description: d}}}}}} # here"),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "section-ignored",
        responses("'204':\n  description: d\n  links: {unlikely: {operationId: op}} # here"),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "path-reference",
        document(
            paths="/x:\n  $ref: '#/components/pathItems/X' # here",
            components="pathItems:\n  X: {get: {operationId: op, responses: {'204': {description: d}}}}",
        ),
        lambda out: not out.has_op,
    ),
    Case(
        "servers-ignored",
        document(more="servers: [{url: 'https://unlikely.test'}] # here\n"),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "servers-ignored",
        op("servers: [{url: 'https://unlikely.test'}] # here"),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "tags-dropped",
        op("tags:\n- first\n- second # here"),
        lambda out: bool(out.text("api/first/op.py")) and not (out.folder / "api/second").exists(),
    ),
    Case(
        "security-inherited",
        document(paths=operation(""), more="security: [{key: []}] # here\n"),
        lambda out: "client: AuthenticatedClient | Client" in out.text("api/default/op.py"),
    ),
    Case(
        "security-optional",
        op("security: [{}, {key: []}] # here"),
        lambda out: "client: AuthenticatedClient,\n" in out.text("api/default/op.py"),
    ),
    Case(
        "security-scheme",
        document(components="securitySchemes:\n  key: {type: apiKey, in: header, name: x-unlikely} # here"),
        lambda out: "x-unlikely" not in out.everything() and "Authorization" in out.everything(),
    ),
    Case(
        "deprecated-ignored",
        op("deprecated: true # here"),
        lambda out: "deprecated" not in out.everything().lower(),
    ),
    Case(
        "descriptions-lost",
        responses("'204': {description: Unlikely} # here"),
        lambda out: "Unlikely" not in out.everything(),
    ),
    # Parameters
    Case(
        "parameter-shadows",
        document(paths=parameter("query", "{type: string}", "params", mark="name")),
        lambda out: out.op._get_kwargs(params="a")["params"].get("params") != "a",
    ),
    Case(
        "parameter-shadows",
        document(paths=parameter("path", "{type: string}", "quote", mark="name")),
        lambda out: fails(TypeError, lambda: out.request(quote="a")),
    ),
    Case(
        "parameter-shadows",
        op(
            """
            parameters:
            - {name: body, in: query, schema: {type: string}} # here
            requestBody: {content: {application/json: {schema: {type: string}}}}
        """,
            "post",
        ),
        lambda out: fails(SyntaxError, lambda: out.op),
    ),
    Case(
        "parameter-shadows",
        op("""
            parameters:
            - {name: days, in: query, schema: {type: array, items: {type: string, enum: [mon]}}}
            - {name: days_item, in: query, schema: {type: string}} # here
        """),
        lambda out: (
            out.request(days=[out.cls("OpDaysItem")("mon")], days_item="x").url.query != b"days=mon&days_item=x"
        ),
    ),
    Case(
        "parameter-description",
        document(paths=parameter("query", "{type: string}", more="description: Unlikely # here")),
        lambda out: "Unlikely" not in out.everything(),
    ),
    Case(
        "parameter-content",
        op("""
            parameters:
            - name: unlikely
              in: query
              content: {application/json: {schema: {type: string}}} # here
        """),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "parameter-style",
        document(paths=parameter("query", "{type: array, items: {type: string}}", more="explode: false # here")),
        lambda out: out.request(p=["a", "b"]).url.query == b"p=a&p=b",
    ),
    Case(
        "parameter-style",
        document(
            paths=parameter("query", "{type: object, properties: {a: {type: string}}}", more="style: deepObject # here")
        ),
        lambda out: out.request(p=out.cls("OpP")(a="x")).url.query == b"a=x",
    ),
    Case(
        "parameter-flags",
        document(paths=parameter("query", "{type: string}", more="allowReserved: true # here")),
        lambda out: out.request(p="a/b").url.query == b"p=a%2Fb",
    ),
    Case(
        "query-nested",
        document(paths=parameter("query", "{type: array, items: {type: object, properties: {a: {type: string}}}}")),
        lambda out: b"%27a%27" in out.request(p=[out.cls("OpPItem")(a="x")]).url.query,
    ),
    Case(
        "path-value",
        document(paths=parameter("path", "{type: boolean}")),
        lambda out: out.request(p=True).url.path == "/x/True",
    ),
    Case(
        "path-value",
        document(paths=parameter("path", "{type: string, format: date-time}")),
        lambda out: " " in out.request(p=datetime(2025, 6, 1, tzinfo=UTC)).url.path,
    ),
    Case(
        "path-value",
        document(paths=parameter("path", "{type: array, items: {type: string}}")),
        lambda out: out.request(p=["a"]).url.path == "/x/['a']",
    ),
    Case(
        "header-union",
        document(paths=parameter("header", "{type: [integer, boolean]}")),
        lambda out: fails(TypeError, lambda: out.request(p=1)),
    ),
    Case(
        "cookie-value",
        document(paths=parameter("cookie", "{type: integer}")),
        lambda out: fails(TypeError, lambda: out.request(p=1)),
    ),
    # Bodies
    Case(
        "body-several-types",
        document(
            paths=operation(
                """
                parameters: [{name: q, in: query, schema: {type: string}}]
                requestBody: # here
                  required: true
                  content:
                    application/json: {schema: {$ref: '#/components/schemas/Foo'}}
                    application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Foo'}}
                """,
                method="post",
            ),
            schemas="Foo: {properties: {a: {type: string}}}",
        ),
        lambda out: (
            {"json", "data"} <= out.op._get_kwargs(body=out.cls("Foo")(a="x")).keys()
            and not {"json", "data"} & out.op._get_kwargs().keys()
        ),
    ),
    Case(
        "body-several-types",
        body("""
            application/json: {schema: {type: array, items: {type: string}}}
            application/octet-stream: {schema: {type: string, format: binary}}
        """).replace("requestBody:", "requestBody: # here"),
        lambda out: fails(NameError, lambda: out.op),
    ),
    Case(
        "form-value",
        body("""
            application/x-www-form-urlencoded:
              schema: {type: object, properties: {a: {type: object, properties: {b: {type: string}}}}} # here
        """),
        lambda out: b"%27b%27" in out.request(body=out.cls("OpBody").from_dict({"a": {"b": "c"}})).read(),
    ),
    Case(
        "form-value",
        body("application/x-www-form-urlencoded:\n  schema: {type: array, items: {type: string}} # here"),
        lambda out: fails(AttributeError, lambda: out.request(body=["a"])),
    ),
    Case(
        "multipart-not-object",
        body("""
            multipart/form-data:
              schema: # here
                oneOf: [{type: object, properties: {a: {type: string}}}, {type: array, items: {type: string}}]
        """),
        lambda out: not {"files", "data", "content"} & out.op._get_kwargs(body=out.cls("OpBodyType0")(a="x")).keys(),
    ),
    Case(
        "encoding-ignored",
        body("""
            multipart/form-data:
              schema: {type: object, properties: {a: {type: string}}}
              encoding: {a: {contentType: unlikely/type}} # here
        """),
        lambda out: "unlikely" not in out.everything(),
    ),
    Case(
        "octets-not-binary",
        body("application/octet-stream:\n  schema: {type: string} # here"),
        lambda out: fails(AttributeError, lambda: out.request(body="a")),
    ),
    Case(
        "binary-in-json",
        document(
            paths=operation(
                """
                requestBody:
                  required: true
                  content:
                    application/json:
                      schema: {$ref: '#/components/schemas/Foo'} # here
            """,
                method="post",
            ),
            schemas="Foo: {properties: {a: {type: string, format: binary}}}",
        ),
        lambda out: fails(
            TypeError, lambda: out.request(body=out.cls("Foo")(a=out.load("types").File(payload=BytesIO(b"a"))))
        ),
    ),
    Case(
        "binary-in-json",
        document(paths=response("{type: string, format: binary} # here")),
        lambda out: fails(TypeError, lambda: out.read(b'"a"')),
    ),
    # Responses
    Case(
        "response-several-types",
        responses("""
            '200':
              description: d
              content: # here
                application/json: {schema: {type: string}}
                text/plain: {schema: {type: integer}}
        """),
        lambda out: "int" not in out.text("api/default/op.py"),
    ),
    Case(
        "response-without-schema",
        responses("""
            '200':
              description: d
              content:
                application/json: {} # here
            '400': {description: d, content: {application/json: {schema: {type: string}}}}
        """),
        lambda out: out.read(b'{"a": 1}') is None,
    ),
    Case(
        "response-untyped",
        document(paths=response("{} # here")),
        lambda out: out.read(b'{"a": 1}') is None,
    ),
    Case(
        "response-misread",
        document(
            paths=response("{$ref: '#/components/schemas/Foo'} # here", "text/plain"),
            schemas="Foo: {properties: {a: {type: string}}}",
        ),
        lambda out: fails(ValueError, lambda: out.read(b'{"a": "b"}')),
    ),
    Case(
        "response-misread",
        document(paths=response("{type: integer} # here", "text/plain")),
        lambda out: out.read(b"5") == "5",
    ),
    Case(
        "status-unknown",
        responses("'529': {description: d, content: {application/json: {schema: {type: string}}}} # here"),
        lambda out: fails(ValueError, lambda: out.read(b'"busy"', 529)),
    ),
    Case(
        "response-headers",
        responses("'204':\n  description: d\n  headers: {x-unlikely: {schema: {type: integer}}} # here"),
        lambda out: "x-unlikely" not in out.everything(),
    ),
]
