"""What the documents show is run: code in Python, commands in a console, and every figure that they repeat.

In a document's order, and in one namespace:

* a ``python`` block is executed against the recorded fixture server; a ``text`` block right after it is exactly what
  it prints, and without one it prints nothing;
* a block of any language after ``<!-- file: NAME -->`` is written to that file instead, in a folder of its own;
* in a ``console`` block each line after ``$`` is a command. It is run, or it has its reason in `NOT_RUN`. Output that
  is shown under it is what it prints, ``...`` standing for anything in a line, and alone for any lines; ``^C``
  interrupts a command that would go on.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from attrs import field, frozen

import clinik_client
from clinik_client import Clinik, ClinikApiError
from clinik_client.testing import RECORDINGS, FixtureServer, load_recordings

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *RECORDINGS.glob("*.md")])

# Documents whose commands change the repository: a test of their own runs these in a copy of it.
PLAYED_ELSEWHERE = {"docs/regenerating.md": "tests/generator/test_regenerating.py"}

# A document may show the same call several times; a recording is replayed once.
REPLAYS = 12

# Targets that are cheap and leave nothing behind. The others only have to be there: they install, or run these tests.
MAKE_RUN = {"help", "quickstart"}

NOT_RUN = {
    "curl ": "is a program that not everybody has; tests/testing/sandbox/test_control.py asks the same",
    "git clone": "needs the repository's address",
    "cd ": "is about the reader's shell",
    "export CLINIKAPI_": "is what the `service` fixture does",
    "pip ": "changes the environment that the tests run in",
    "python -m pip ": "changes the environment that the tests run in",
    "python -m venv ": "takes long, and `make setup` does it",
}


def document_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=document_id)


# -- reading a document -----------------------------------------------------------------------------------------------


@frozen
class Block:
    """A fenced block; ``line`` is the number of its first line, ``expected`` the text block right after it."""

    language: str
    text: str
    line: int
    file: str | None = None
    expected: str = ""


def read_blocks(text: str) -> list[Block]:
    """The fenced blocks of a document, each text block that follows a python block joined to it."""
    blocks: list[Block] = []
    fence: list[str] | None = None
    language, start, file, adjacent = "", 0, None, False
    for number, line in enumerate(text.splitlines(), start=1):
        if fence is not None:
            if line != "```":
                fence.append(line)
                continue
            content = "".join(f"{part}\n" for part in fence)
            if language == "text" and adjacent:
                last = blocks.pop()
                blocks.append(Block(last.language, last.text, last.line, last.file, content))
            else:
                blocks.append(Block(language, content, start, file))
            adjacent = language == "python" and file is None
            fence, file = None, None
        elif line.startswith("```"):
            fence, language, start = [], line.removeprefix("```").strip(), number + 1
        elif "```" in line:
            raise AssertionError(f"line {number}: a fence stands alone, at the beginning of its line")
        elif directive := re.fullmatch(r"<!-- file: (\S+) -->", line):
            file, adjacent = directive[1], False
        elif line.strip():
            file, adjacent = None, False
    assert fence is None, f"the block that begins in line {start} has no end"
    return blocks


@frozen
class Command:
    """A command of a console block, and what is shown under it."""

    text: str
    output: str


def read_commands(block: Block) -> list[Command]:
    head, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not head.strip(), f"line {block.line}: a console block begins with a command"
    return [Command(first, rest) for first, _, rest in (part.partition("\n") for part in parts)]


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))


# -- running it -------------------------------------------------------------------------------------------------------


@frozen
class Stage:
    """Where a document is played: the service, the folder, the environment of commands, the namespace of code."""

    service: FixtureServer
    folder: Path
    environment: Mapping[str, str]
    namespace: dict[str, Any] = field(factory=lambda: {"__name__": "__main__"})

    def play(self, document: str, block: Block) -> None:
        """Run one block, and check what it prints."""
        where = f"{document}, line {block.line}"
        if block.file is not None:
            file = self.folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            printed = io.StringIO()
            # Empty lines in front: a traceback then names the line of the document.
            source = "\n" * (block.line - 1) + block.text
            code = compile(source, str(ROOT / document), "exec", dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                exec(code, self.namespace)
            assert printed.getvalue() == block.expected, f"{where}: it does not print what is shown"
        elif block.language == "console":
            for command in read_commands(block):
                self.run(f"{where}: $ {command.text}", command)
        self.service.verify()

    def run(self, where: str, command: Command) -> None:
        """Run one command of a console, if it is one that can be run, and check what it prints."""
        if any(command.text.startswith(start) for start in NOT_RUN):
            assert not command.output.strip(), f"{where}: it is not run, so its output cannot be shown"
            return
        words = shlex.split(command.text)
        environment = dict(self.environment)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        folder = self.folder
        match words:
            case ["make", target]:
                assert target in make_targets(), f"{where}: there is no such target"
                if target not in MAKE_RUN:
                    assert not command.output.strip(), f"{where}: it is not run, so its output cannot be shown"
                    return
                folder = ROOT
                environment = {name: text for name, text in environment.items() if not name.startswith("CLINIKAPI_")}
                # The environment of this run, as it is: setting one up is not a matter of the documents.
                words = ["make", "--no-print-directory", "--assume-old=.venv/.installed", target]
                words += [f"PYTHON={sys.executable}", f"BIN={Path(sys.executable).parent}"]
            case ["python", *arguments]:
                words = [sys.executable, *arguments]
            case ["clinik-sandbox", *arguments]:
                # The distribution's test holds that this is its console script.
                words = [sys.executable, "-m", "clinik_client.testing", "sandbox", *arguments]
            case ["pytest", *arguments]:
                # As the script of that name does, the folder does not go into the path.
                words = [sys.executable, "-P", "-m", "pytest", *arguments]
            case _:
                raise AssertionError(f"{where}: a command of a kind that test_docs.py knows nothing of")
        output, code = finish(words, folder, environment, command.output)
        assert code == 0, f"{where}: exit code {code}\n{output}"
        wanted = command.output.replace("^C\n", "")
        if wanted.strip():
            assert fits(wanted, output), f"{where}: it prints something else than is shown:\n{output}"


def fits(shown: str, printed: str) -> bool:
    """Whether output is what is shown: ``...`` stands for anything in a line, and alone in one for any lines."""
    lines = [
        r"(.*\n)*" if line == "..." else re.escape(line).replace(re.escape("..."), ".*") + r" *\n"
        for line in shown.splitlines()
    ]
    return re.fullmatch("".join(lines), printed.rstrip("\n") + "\n") is not None


def finish(words: list[str], folder: Path, environment: Mapping[str, str], shown: str) -> tuple[str, int]:
    """Run a command to its end, which is an interrupt after the lines above ``^C`` where that is shown."""
    with subprocess.Popen(
        words,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        watch = threading.Timer(30, process.kill)
        watch.start()
        try:
            before, interrupt, _ = shown.partition("^C\n")
            seen = ""
            if interrupt:
                seen = "".join(process.stdout.readline() for _ in before.splitlines())
                process.send_signal(signal.SIGINT)
            return seen + process.stdout.read(), process.wait()
        finally:
            watch.cancel()


# -- where it runs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FixtureServer]:
    """The recorded service, where ``Clinik()`` finds it."""
    with FixtureServer(load_recordings(RECORDINGS) * REPLAYS) as server:
        for name in [name for name in os.environ if name.startswith(("CLINIKAPI_", "SSL_CERT_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("CLINIKAPI_SECRET_KEY", "clk_test_docs")
        monkeypatch.setenv("CLINIKAPI_BASE_URL", server.url)
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setenv("no_proxy", "*")
        yield server


@pytest.fixture
def stage(service: FixtureServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A folder like a user's, with the hospital's CA."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "hospital-ca.pem"))
    monkeypatch.chdir(tmp_path)
    left_out = ("MAKE", "MFLAGS", "PYTEST_", "FORCE_COLOR", "PY_COLORS")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(left_out)}
    stage = Stage(service, tmp_path, {**environment, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"})
    yield stage
    for value in stage.namespace.values():
        if isinstance(value, Clinik):
            value.close()


# -- the documents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if document_id(path) not in PLAYED_ELSEWHERE], ids=document_id
)
def test_what_a_document_shows_is_what_happens(path: Path, stage: Stage) -> None:
    for block in read_blocks(path.read_text(encoding="utf-8")):
        stage.play(document_id(path), block)


@pytest.mark.parametrize(("document", "test"), PLAYED_ELSEWHERE.items())
def test_what_is_played_elsewhere_is_played_there(document: str, test: str) -> None:
    assert Path(document).name in (ROOT / test).read_text(encoding="utf-8")


def anchors(markdown: str) -> set[str]:
    """The anchors of its headings, as GitHub and most other renderers make them."""
    without_blocks = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", without_blocks, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), f"{target}: there is no such file"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{target}: there is no such heading"


@each_document
def test_every_target_of_make_that_is_mentioned_is_there(path: Path) -> None:
    mentioned = set(re.findall(r"`make (?:PYTHON=\S+ )?([a-z-]+)", path.read_text(encoding="utf-8")))
    assert mentioned <= make_targets()


def test_the_readme_links_to_every_document() -> None:
    text = README.read_text(encoding="utf-8")
    missing = [path.name for path in ROOT.glob("docs/*.md") if f"](docs/{path.name})" not in text]
    assert not missing, f"the README's list of documents lacks {', '.join(missing)}"


def section(path: Path, heading: str) -> str:
    found = re.search(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    assert found is not None, f"{document_id(path)} has no section {heading!r}"
    return found[1]


def test_the_tree_of_errors_is_the_one_that_is_shown() -> None:
    [shown] = [block for block in read_blocks(section(README, "The tree of errors")) if block.language == "text"]
    parents: list[str] = []
    pairs = set()
    for line in shown.text.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name]
        if depth:
            pairs.add((name, parents[depth - 1]))

    def below(parent: type[ClinikApiError]) -> Iterator[tuple[str, str]]:
        for child in parent.__subclasses__():
            if child.__module__ == ClinikApiError.__module__:
                yield child.__name__, parent.__name__
                yield from below(child)

    assert pairs == set(below(ClinikApiError))


def test_the_table_of_settings_is_complete_and_has_the_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", section(README, "Settings"), flags=re.MULTILINE)
    parameters = list(inspect.signature(Clinik).parameters.values())
    assert [name for name, _ in rows] == [parameter.name for parameter in parameters]
    for (name, shown), parameter in zip(rows, parameters, strict=True):
        assert eval(shown, {}) == parameter.default, name


def test_the_layout_names_what_is_there() -> None:
    [layout] = [block for block in read_blocks(section(README, "Layout")) if block.language == "text"]
    for line in layout.text.splitlines():
        name = line.split()[0]
        assert (ROOT / name).exists(), name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    declared = [*project["project"]["dependencies"], *groups["dev"], *groups["bench"]]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in declared}
    text = "".join(
        section(ROOT / "docs" / "decisions.md", heading)
        for heading in ("Needed to run", "Needed to develop", "Needed to measure")
    )
    assert set(re.findall(r"^- \*\*(\S+)\*\*: \S", text, flags=re.MULTILINE)) == names


def test_this_version_is_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(clinik_client.__version__)}( |$)", changelog, flags=re.MULTILINE)


# -- the reader itself ------------------------------------------------------------------------------------------------


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


def play(stage: Stage, *parts: str) -> None:
    for block in read_blocks("".join(parts)):
        stage.play("README.md", block)


def test_output_that_is_shown_wrongly_or_not_at_all_is_noticed(stage: Stage) -> None:
    code = fenced("python", "print('one')\nprint('two')")
    play(stage, code, "\n", fenced("text", "one\ntwo"))
    for follower in (fenced("text", "one"), "Words between.\n\n" + fenced("text", "one\ntwo"), ""):
        with pytest.raises(AssertionError, match="does not print what is shown"):
            play(stage, code, follower)


def test_blocks_share_a_namespace_and_tracebacks_name_the_line(stage: Stage) -> None:
    play(stage, fenced("python", "number = 41"), fenced("python", "number += 1\nprint(number)"), fenced("text", "42"))
    with pytest.raises(ZeroDivisionError) as failure:
        play(stage, "Line 1\n", fenced("python", "first = 1\nfirst / 0"))
    assert failure.traceback[-1].lineno + 1 == 4


def test_a_request_that_no_recording_responses_is_noticed_even_if_its_error_is_caught(stage: Stage) -> None:
    code = "from clinik_client import Clinik, ClinikApiError\nclinik = Clinik(retries=0)\n"
    code += "try:\n    clinik.request('GET', '/v1/elsewhere')\nexcept ClinikApiError:\n    pass"
    with pytest.raises(AssertionError, match="match no recording"):
        play(stage, fenced("python", code))


def test_commands_are_run_and_their_output_is_compared(stage: Stage) -> None:
    file = "<!-- file: tell.py -->\n" + fenced("python", "import os\nprint('I am', os.environ['NAME'])")
    play(stage, file, fenced("console", "$ NAME=Ada python tell.py\nI am ..."))
    with pytest.raises(AssertionError, match="prints something else"):
        play(stage, file, fenced("console", "$ NAME=Ada python tell.py\nI am Bob"))
    with pytest.raises(AssertionError, match="exit code 1"):
        play(stage, file, fenced("console", "$ python tell.py"))


@pytest.mark.parametrize(
    ("shown", "right"),
    [
        ("one\ntwo\nthree\n", True),
        ("one\n...\nthree\n", True),
        ("...\nthree\n", True),
        ("o...\n...o\nthree\n", True),
        ("o...\nthree\n", False),
        ("one\n...three\n", False),
        ("one\ntwo\n", False),
        ("two\nthree\n", False),
        ("one\ntwo\nt.ree\n", False),
    ],
)
def test_no_line_may_be_left_out_without_a_word(shown: str, right: bool) -> None:
    assert fits(shown, "one\ntwo\nthree\n") is right


def test_files_of_tests_in_the_documents_have_names_of_their_own() -> None:
    # pytest takes no two of one name, wherever they are, and readers put them all into one project.
    blocks = [block for path in DOCUMENTS for block in read_blocks(path.read_text(encoding="utf-8"))]
    names = [Path(block.file).name for block in blocks if block.file is not None]
    tests = [name for name in names if name.startswith("test_")]
    assert len(tests) > 3
    assert len(set(tests)) == len(tests)


def test_a_command_that_goes_on_is_interrupted(stage: Stage) -> None:
    program = "import signal, threading\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "try:\n    print('begun', flush=True)\n    threading.Event().wait()\n"
    program += "except KeyboardInterrupt:\n    print('ended')"
    file = "<!-- file: wait.py -->\n" + fenced("python", program)
    play(stage, file, fenced("console", "$ python wait.py\nbegun\n^C\nended"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$ make no-such-target", "no such target"),
        ("$ make test\nall passed", "not run, so its output"),
        ("$ pip install .\ndone", "not run, so its output"),
        ("$ rm -rf build", "knows nothing of"),
        ("no command", "begins with a command"),
    ],
)
def test_commands_that_cannot_be_checked_are_refused(stage: Stage, text: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        play(stage, fenced("console", text))


@pytest.mark.parametrize("text", ["```python\nprint()\n", "1. item\n   ```python\n   print()\n   ```\n"])
def test_blocks_that_would_be_passed_over_are_refused(text: str) -> None:
    with pytest.raises(AssertionError):
        read_blocks(text)


def test_anchors_are_those_of_headings() -> None:
    assert anchors("# Every operation\n```console\n# no heading\n```\n## What's `new`?") == {
        "every-operation",
        "whats-new",
    }
