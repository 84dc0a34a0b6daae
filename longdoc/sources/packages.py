"""Office files and e-books as what they are: zips of XML parts, read with limits.

The zip is checked and metered by archives.py. XML is parsed without entities, DTDs or
network. The office formats are read from their parts directly rather than through
python-docx and python-pptx, because those skip text in content controls, tracked
insertions and text boxes, and load every picture.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lxml import etree

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.archives import ENCRYPTED, ZipArchive

_MAX_PART_BYTES = 1 << 30
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\0!\0[DE]\0|\0<\0!\0[DE]")
_ROOT_RELATIONS = ""


@dataclasses.dataclass(frozen=True)
class Relation:
    """A link from one part to another: the last word of its type, and the other part's name."""

    kind: str  # "slide", "notesSlide", "footnotes", ...
    target: str


class Package:
    """Members of a zip by name. Raises SourceError: damaged, bomb, encrypted."""

    def __init__(self, path: Path, name: str, settings: Settings) -> None:
        self._name = name
        self._archive = ZipArchive(path, name, dataclasses.replace(settings, max_code_file_bytes=_MAX_PART_BYTES))
        entries, _ = self._archive.entries(lambda label: False)
        self._entries = {entry.label: entry for entry in entries}
        self.broken: list[str] = []  # parts that were parsed although they are not well formed

    @property
    def names(self) -> list[str]:
        """Names of all members, in the archive's order."""
        return list(self._entries)

    def __contains__(self, member: str) -> bool:
        return member in self._entries

    def read(self, member: str) -> bytes:
        """Return the bytes of a member."""
        entry = self._entries.get(member)
        if entry is None:
            raise self.damaged(f"its part {member} is missing")
        data: bytes | str = entry.problem
        if not entry.problem:
            _, data = next(self._archive.read({entry.key}))
        if isinstance(data, bytes):
            return data
        if data == ENCRYPTED:
            raise SourceError(
                f"{self._name} is protected by a password.",
                code="encrypted",
                next_step="Save a copy without a password and add that.",
            )
        raise self.damaged(f"its part {member} cannot be read: {data}")

    def damaged(self, why: str) -> SourceError:
        """Return the error for a package that does not hold what it should."""
        return SourceError(
            f"{self._name} is damaged: {why}.",
            code="damaged",
            next_step="Open and save it in its own program, then add it again.",
        )

    def xml(self, member: str) -> Any:
        """Return the root element of an office part, in which no DTD is allowed."""
        data = self.read(member)
        self.refuse_dtd(data)
        return self.parse(data, member)

    def refuse_dtd(self, data: bytes) -> None:
        """Raise SourceError if XML declares a document type: office files never do, entity bombs must."""
        if _DTD.search(data):
            raise SourceError(
                f"{self._name} declares XML entities, as files made to do harm do.",
                code="bomb",
                next_step="Open and save it in its own program, then add it again.",
            )

    def parse(self, data: bytes, member: str, *, recover: bool = False) -> Any:
        """Return the root element of XML bytes; entities are never resolved."""
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
            recover=recover,
        )
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise self.damaged(f"its part {member} is not XML") from error
        if root is None:
            raise self.damaged(f"its part {member} is empty")
        if len(parser.error_log.filter_from_fatals()):
            self.broken.append(member)
        return root

    def relations(self, part: str = _ROOT_RELATIONS) -> dict[str, Relation]:
        """Return the links of an office part (default: of the package) by id; links out of the file are left out."""
        folder, base = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{base}.rels")
        if rels not in self:
            return {}
        found = {}
        for element in self.xml(rels):
            if element.get("TargetMode") == "External":
                continue
            target = unquote(element.get("Target", ""))
            where = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            kind = element.get("Type", "").rsplit("/", 1)[-1]
            found[element.get("Id", "")] = Relation(kind, posixpath.normpath(where))
        return found

    def main_part(self) -> str:
        """Return the name of the part that an office file is about."""
        for relation in self.relations().values():
            if relation.kind == "officeDocument" and relation.target in self:
                return relation.target
        raise self.damaged("its main part is missing")


def local(element: Any) -> str:
    """Return an element's name without its namespace, so that transitional and strict files read alike."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str | None:
    """Return an attribute by its name without namespace."""
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def child(element: Any, *path: str) -> Any:
    """Return the first descendant along a path of local names, or None."""
    for name in path:
        element = next((item for item in element if local(item) == name), None)
        if element is None:
            return None
    return element


def children(element: Any, name: str) -> Iterator[Any]:
    """Yield the children with a local name."""
    return (item for item in element if local(item) == name)


def preferred(element: Any) -> Any:
    """Return the branch of an AlternateContent to read: text is repeated in each."""
    return child(element, "Choice") if child(element, "Choice") is not None else child(element, "Fallback")
