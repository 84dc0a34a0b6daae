"""Ignore rules decide as git does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longdoc.sources.ignore import IgnoreRules


def rules_of(files: dict[str, str]) -> IgnoreRules:
    rules = IgnoreRules()
    for folder, text in sorted(files.items()):
        rules.add(folder, text.encode())
    return rules


@pytest.mark.parametrize(
    ("files", "label", "ignored"),
    [
        ({"": "*.log"}, "a/b/c.log", "a/b/c.log"),
        ({"": "/build/"}, "build/x/y.py", "build/"),
        ({"": "/build/"}, "src/build/y.py", ""),
        ({"": "docs/*.txt"}, "docs/a.txt", "docs/a.txt"),
        ({"": "docs/*.txt"}, "docs/sub/a.txt", ""),
        ({"": "*.txt\n!keep.txt"}, "keep.txt", ""),
        ({"": "*.txt", "docs": "!*.txt"}, "docs/a.txt", ""),
        ({"": "*.txt", "docs": "!*.txt"}, "a.txt", "a.txt"),
        ({"": "out/", "out": "!a.py"}, "out/a.py", "out/"),
        ({"src": "gen.py"}, "src/deep/gen.py", "src/deep/gen.py"),
        ({"src": "/gen.py"}, "src/deep/gen.py", ""),
        ({"": "# comment\n\n\\#odd\ntrailing   "}, "trailing", "trailing"),
        ({"": "\ufeff*.log"}, "a.log", "a.log"),
        ({"": "!\n///\n*.log"}, "a.log", "a.log"),
        ({}, "web/node_modules/x/index.js", "web/node_modules/"),
        ({}, ".git/config", ".git/"),
        ({}, "src/__pycache__/a.pyc", "src/__pycache__/"),
        ({}, "node_modules", ""),
        ({}, "src/a.py", ""),
    ],
)
def test_what_is_ignored_and_at_which_depth(files: dict[str, str], label: str, ignored: str):
    found, reason = rules_of(files).why(label)
    assert found == ignored
    assert bool(reason) == bool(ignored)


def test_the_reason_names_the_file_that_decides():
    assert rules_of({"src": "*.log"}).why("src/a.log")[1] == "ignored by src/.gitignore"


def test_rules_that_are_no_text_do_nothing():
    rules = IgnoreRules()
    rules.add("", bytes(range(256)) * 4)
    assert rules.why("a.py") == ("", "")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


LABELS = ["a.py", "b.log", "src/a.py", "src/b.log", "src/deep/a.py", "src/deep/b.log", "out/a.py", "docs/keep/b.log"]
PATTERNS = """
*.py *.log !*.log !a.py src/ /src/* deep !deep/ src/**/a.py **/b.log docs/** out !out/ /a.py src/deep/* * #x \\!x
!src/deep/b.log [ab].py ?.log docs/*/ !docs/keep/ **/deep/
""".split()
lines = st.lists(st.sampled_from(PATTERNS), max_size=4)


@given(top=lines, below=lines)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decisions_equal_those_of_git(top: list[str], below: list[str], repository: Path):
    (repository / "src").mkdir(exist_ok=True)
    (repository / ".gitignore").write_text("\n".join(top))
    (repository / "src" / ".gitignore").write_text("\n".join(below))
    answer = subprocess.run(
        ["git", "-C", str(repository), "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", *LABELS],
        capture_output=True,
        text=True,
        check=False,
    )
    rules = rules_of({"": "\n".join(top), "src": "\n".join(below)})
    assert [label for label in LABELS if rules.why(label)[0]] == answer.stdout.split()
