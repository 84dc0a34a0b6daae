"""The outline of a source file: the lines that say what is in it, without how it works.

Python by its own parser: imports left out, classes, functions and methods with their
decorators, whole signatures and the first line of what they say about themselves, and
the constants of the module. Other languages by the shape of definition lines. Knows
text and ranges only; which files become outlines is decided where prompts are packed.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from longdoc.sources.languages import extension_of, language_of

_MAX_SIGNATURE_LINES = 12
_FALLBACK_LINES = 3

_BRACES = re.compile(  # C, C++, Java, C#, Kotlin, Scala, Dart, Swift, PHP and their like
    r"[ \t]*(?:template\s*<.*"
    r"|(?:@\w[\w.]*(?:\([^()]*\))?\s+|(?:public|private|protected|internal|static|final|abstract|sealed|open|override"
    r"|virtual|inline|constexpr|extern|async|export|default|suspend|data|partial|readonly|unsafe|mutating|fileprivate"
    r"|implicit|case|inner|companion|tailrec|operator|const|declare)\s+)*"
    r"(?:(?:class|struct|interface|enum|union|trait|object|record|namespace|module|protocol|extension|actor|impl"
    r"|type|typedef|typealias|package|fun|func|function|def|init|deinit|concept|mixin|contract|library)\b[^;{]*(?:\{.*)?"
    r"|(?:[\w:<>,*&~\[\]?.]+\s+)+[*&]*[\w:~]+\s*\([^;={}]*\)?[^;={}]*(?:\{.*)?"
    r"|#\s*define\s+\w+\(.*))$"
)
_CONTROL = re.compile(
    r"[ \t]*(?:\}?\s*(?:if|for|while|switch|catch|else|do|try|return|throw|new|delete|case|goto|await)\b)"
)
_SCRIPT = re.compile(  # JavaScript and TypeScript
    r"[ \t]*(?:(?:export|default|declare|abstract|async|public|private|protected|static|readonly|override|get|set)\s+)*"
    r"(?:(?:class|interface|enum|namespace|module|type|function\*?)\s+[\w$].*"
    r"|(?:const|let|var)\s+[\w$]+[^=\n]*=\s*(?:async\s*)?(?:function\b.*|\([^()]*\)[^=\n]*=>.*|[\w$]+\s*=>.*|class\b.*|React\..*)"
    r"|(?:constructor|[\w$#]+)\s*(?:<[^<>]*>)?\([^;]*\)\s*(?::[^;={}]+)?\{\s*)$"
)
_PATTERNS: dict[str, re.Pattern[str]] = {
    "python": re.compile(r"[ \t]*(?:(?:async\s+)?def|class)\s+\w+.*|@\w.*"),
    "javascript": _SCRIPT,
    "go": re.compile(r"(?:func|type|package)\s.*|(?:var|const)\s+(?:\(|\w+).*|\t\w+\(.*\).*"),
    "rust": re.compile(
        r"[ \t]*(?:pub(?:\([^)]*\))?\s+)?(?:default\s+)?(?:const\s+|async\s+|unsafe\s+|extern\s+(?:\"\w+\"\s+)?)*"
        r"(?:fn|struct|enum|trait|impl|mod|type|union|macro_rules!|const|static)\b.*"
    ),
    "ruby": re.compile(r"[ \t]*(?:def|class|module|defmodule|defp?|macro|attr_\w+|scope|has_many|belongs_to)\b.*"),
    "shell": re.compile(r"[ \t]*(?:function\s+[\w:-]+.*|[\w:-]+\s*\(\)\s*\{?.*)"),
    "lua": re.compile(r"[ \t]*(?:local\s+)?function\b.*|[\w.]+\s*=\s*function\b.*"),
    "perl": re.compile(r"[ \t]*(?:sub|package)\s+\w.*"),
    "r": re.compile(
        r"[ \t]*[\w.]+\s*(?:<-|=)\s*function\b.*|[ \t]*(?:function|struct|module|macro|abstract type)\s+\w.*"
    ),
    "haskell": re.compile(
        r"(?:module|data|newtype|class|instance|type|let|val|open)\b.*|[\w']+\s*::.*|\s*\((?:def\w*|ns)\b.*|-\w+\(.*"
    ),
    "sql": re.compile(r"(?i)\s*(?:create|alter)\s+(?:or\s+replace\s+)?.*"),
    "proto": re.compile(
        r"[ \t]*(?:message|service|rpc|enum|type|interface|input|union|struct|exception|extend|oneof|query)\b.*"
    ),
    "style": re.compile(r"(?:@[\w-]+[^;]*|[^\s@{}/*][^{};]*)\{?.*"),
    "config": re.compile(
        r"\[.*\]\s*|[A-Za-z_][\w.-]*\s*:\s*(?:\S.*)?|(?:resource|module|variable|output|data|provider)\b.*|\w+\(.*"
    ),
    "make": re.compile(r"[\w./%$(){} -]+:(?!=).*|(?:define|\.PHONY)\b.*"),
    "docker": re.compile(r"(?i)(?:from|entrypoint|cmd|expose|workdir|arg)\b.*"),
    "hardware": re.compile(r"\s*(?:module|interface|package|entity|architecture|function|task|class|component)\b.*"),
    "pascal": re.compile(
        r"(?i)[ \t]*(?:program|unit|module|subroutine|function|procedure|interface|type|class|package|contract|struct|"
        r"enum|event|modifier|sub|proc|func|method|pub fn|fn|template|identification division|procedure division)\b.*"
    ),
    "xml": re.compile(r" {0,4}<[A-Za-z][^/>]*>?.*"),
    "assembly": re.compile(r"[\w.$@]+:.*|\s*\.(?:globl|global|type|section)\b.*"),
}
_HEADING = re.compile(r"#{1,6}\s+\S.*")


def outline_ranges(text: str, path: str) -> list[tuple[int, int]]:
    """Return the half-open character ranges (whole lines, in order, apart) that form the outline of a file.

    A file in which nothing is defined gives its first lines; a blank file gives nothing.
    """
    lines = text.split("\n")
    language = language_of(path)
    numbers: set[int] | None = None
    if language == "python":
        numbers = _python(text)
    if numbers is None:
        numbers = set(_by_shape(lines, path, language))
    numbers = {n for n in numbers if n < len(lines)}
    if not numbers:
        numbers = set([n for n, line in enumerate(lines) if line.strip()][:_FALLBACK_LINES])
    return _ranges(lines, numbers, len(text))


def _ranges(lines: list[str], numbers: set[int], n_characters: int) -> list[tuple[int, int]]:
    """Turn line numbers (0-based) into ranges that include the line ends, joined where they touch."""
    found: list[tuple[int, int]] = []
    position = 0
    for n, line in enumerate(lines):
        end = min(position + len(line) + 1, n_characters)
        if n in numbers and position < end:
            if found and found[-1][1] == position:
                found[-1] = (found[-1][0], end)
            else:
                found.append((position, end))
        position = end
    return found


def _python(text: str) -> set[int] | None:
    """Return the 0-based lines of a Python outline, or None if the file does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in strings
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    numbers = set(_says(tree))
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_constant(node):
            numbers.add(node.lineno - 1)
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            last = max(node.lineno, node.body[0].lineno - 1)
            # A comment may stand between a signature and its body; what the signature spans ends where it says.
            ends = [part.end_lineno or 0 for part in _signature(node)]
            last = min(last, max([node.lineno, *ends]) + 1) if ends else node.lineno
            numbers.update(range(first - 1, last))
            numbers.update(_says(node))
            if isinstance(node, ast.ClassDef):
                waiting.extend(node.body)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting.extend(node.body)
            waiting.extend(getattr(node, "orelse", []))
    return numbers


def _signature(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[ast.expr | ast.arg | ast.keyword]:
    if isinstance(node, ast.ClassDef):
        yield from node.bases
        yield from node.keywords
        return
    arguments = node.args
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (part for part in (arguments.vararg, arguments.kwarg, node.returns) if part)
    yield from (part for part in (*arguments.defaults, *arguments.kw_defaults) if part)


def _says(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[int]:
    """Yield the lines of a docstring up to its first words."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        said = first.value.value
        blank = len(said) - len(said.lstrip())
        yield from range(first.lineno - 1, first.lineno + said[:blank].count("\n"))


def _is_constant(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(target, ast.Name) and target.id.isupper() for target in targets)


def _by_shape(lines: list[str], path: str, language: str | None) -> Iterator[int]:
    pattern = _PATTERNS.get(language or "", _BRACES if language else None)
    if pattern is None:
        if extension_of(path) not in (".md", ".markdown", ".rst", ".txt", ""):
            return
        pattern = _HEADING
    for n, line in enumerate(lines):
        # Definitions are short; a long line is data, and could make a pattern slow.
        if len(line) > 300 or not line.strip() or not pattern.fullmatch(line):
            continue
        if pattern in (_BRACES, _SCRIPT) and (_CONTROL.match(line) or line.lstrip().startswith(("//", "*", "/*"))):
            continue
        yield n
        yield from _rest_of_signature(lines, n)


def _rest_of_signature(lines: list[str], n: int) -> Iterator[int]:
    """Yield the lines below a definition until its brackets close."""
    depth = _depth(lines[n])
    for following in range(n + 1, min(n + 1 + _MAX_SIGNATURE_LINES, len(lines))):
        if depth <= 0:
            return
        yield following
        depth += _depth(lines[following])


def _depth(line: str) -> int:
    return line.count("(") - line.count(")")
