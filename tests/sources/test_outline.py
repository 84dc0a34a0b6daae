"""Outlines are whole lines of the file that say what is defined in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.sources.languages import _BY_LANGUAGE
from longdoc.sources.outline import outline_ranges


def outline(text: str, path: str) -> str:
    return "".join(text[start:end] for start, end in outline_ranges(text, path))


PYTHON = '''"""
What this module does.

More words.
"""
import os

LIMIT = 5
name = "x"

@dataclass(frozen=True)
class Cart(Base):
    """A cart."""

    items: list[int]

    @property
    def total(
        self,
        rate: float = 0.1,
    ) -> float:
        """Sum of all.

        Longer.
        """
        def inner():
            return 1
        return sum(self.items)

if os.name == "nt":
    async def wait(): pass
else:
    def wait(): return None
'''


def test_python_gives_signatures_constants_and_first_words():
    assert outline(PYTHON, "src/cart.py") == (
        '"""\nWhat this module does.\nLIMIT = 5\n@dataclass(frozen=True)\nclass Cart(Base):\n    """A cart."""\n'
        "    @property\n    def total(\n        self,\n        rate: float = 0.1,\n    ) -> float:\n"
        '        """Sum of all.\n    async def wait(): pass\n    def wait(): return None\n'
    )


def test_python_that_does_not_parse_is_outlined_by_its_shape():
    assert outline("print 'old'\nclass A:\n    def f(self,\n          x):\n        exec code\n", "a.py") == (
        "class A:\n    def f(self,\n          x):\n"
    )


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.js", "import x\nexport function f(a) {\n  g(a);\n}\nconst h = (a) => a;\nlet n = 5;\n",
         "export function f(a) {\nconst h = (a) => a;\n"),
        ("a.ts", "class A {\n  m(x: number): void {\n    if (x) {\n    }\n  }\n}\n",
         "class A {\n  m(x: number): void {\n"),
        ("A.java",
         "public class A {\n  int x = f(1);\n  public int total(int a,\n      int b) {\n    return g(a);\n  }\n}\n",
         "public class A {\n  public int total(int a,\n      int b) {\n"),
        ("a.c",
         "#include <x>\nstatic int add(int a)\n{\n  printf(\"x\");\n  return add(1);\n}\nstruct p { int x; };\n",
         "static int add(int a)\nstruct p { int x; };\n"),
        ("a.go", "package m\n\nfunc (a *A) T() int {\n\treturn f(a)\n}\n", "package m\nfunc (a *A) T() int {\n"),
        ("a.rs", "use x;\npub fn f() -> i32 {\n    1\n}\nimpl A {\n}\n", "pub fn f() -> i32 {\nimpl A {\n"),
        ("a.rb", "class A\n  def f\n    1\n  end\nend\n", "class A\n  def f\n"),
        ("a.sh", "set -e\nrun() {\n  echo\n}\n", "run() {\n"),
        ("a.sql", "CREATE TABLE a (\n  x int\n);\nselect 1;\n", "CREATE TABLE a (\n  x int\n);\n"),
        ("Makefile", "x := 1\nall: a b\n\techo\n", "all: a b\n"),
        ("README.md", "words\n# Title\nmore\n## Two\n", "# Title\n## Two\n"),
        ("data.txt", "\none\ntwo\nthree\nfour\n", "one\ntwo\nthree\n"),
    ],
)  # fmt: skip
def test_other_languages_by_the_shape_of_their_lines(path: str, text: str, expected: str):
    assert outline(text, path) == expected


def test_a_blank_file_has_no_outline():
    assert outline_ranges("\n \n", "a.py") == []
    assert outline_ranges("", "a.c") == []


EXTENSIONS = sorted(names.split()[0] for names in _BY_LANGUAGE.values())


@given(
    st.text(st.sampled_from("def clas(){}:;=<>@#\"'\\ \n\tfnx1*/.,-"), max_size=300) | st.text(max_size=100),
    st.sampled_from([*EXTENSIONS, ".md", ".zzz"]),
)
def test_ranges_are_whole_lines_in_order_and_apart(text: str, extension: str):
    position = -1
    for start, end in outline_ranges(text, "a" + extension):
        assert position < start < end <= len(text)
        assert start == 0 or text[start - 1] == "\n"
        assert end == len(text) or text[end - 1] == "\n"
        position = end


@pytest.mark.parametrize(
    "line", ["a " * 140 + "(", "(" * 290, "public " * 40 + "x", "x<" * 140, "@a(" * 90, "a" + " " * 290 + "("]
)
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_lines_made_to_slow_a_pattern_do_not(line: str, extension: str):
    outline_ranges((line + "\n") * 10, "a" + extension)  # minutes, if a pattern backtracked
