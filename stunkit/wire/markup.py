"""XML from strangers: a tree of names and text, and nothing that could do harm.

Rules of this file: a document with a DTD is refused before anything in it counts, so there are no
entities to expand and nothing is ever fetched; size, depth and number of elements are bounded.
Namespaces are left out: what routers write there is often wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from stunkit.errors import Malformed

MAX_SIZE = 1 << 17  # bytes; a router's longest document has some 30 KB
MAX_DEPTH = 32  # a description's devices in devices make 10
MAX_ELEMENTS = 5000


@dataclass(slots=True)
class Element:
    """An element: its name without prefix, its text, and the elements in it."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def find_all(self, name: str) -> Iterator[Element]:
        """Yield every element of that name in this one, at any depth, in their order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.find_all(name)

    def child_text(self, name: str) -> str:
        """Return the text of the first element of that name right in this one, "" without one."""
        return next((child.text.strip() for child in self.children if child.name == name), "")


def parse(data: bytes) -> Element:
    """Read a document and return its outermost element. Raises Malformed."""
    if len(data) > MAX_SIZE:
        raise _malformed(f"{len(data)} bytes are over {MAX_SIZE}")
    tree = _Tree()
    parser = expat.ParserCreate()
    parser.buffer_text = True  # else a document of line ends comes in as many pieces
    parser.StartDoctypeDeclHandler = tree.refuse
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.write
    try:
        parser.Parse(data, True)  # noqa: FBT003 - it takes no keyword
    except expat.ExpatError as error:
        raise _malformed(expat.ErrorString(error.code), parser.ErrorByteIndex) from None
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        raise _malformed(str(error)) from None
    return tree.root.children[0]


class _Tree:
    def __init__(self) -> None:
        self.root = Element("")
        self._open = [self.root]
        self._count = 0

    def refuse(self, *_: object) -> None:
        raise _malformed("it has a DTD")

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise _malformed("it has too many elements, or too many in each other")
        element = Element(name.rpartition(":")[2])
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def write(self, text: str) -> None:
        self._open[-1].text += text


def _malformed(reason: str, offset: int = 0) -> Malformed:
    return Malformed(reason, place="XML", offset=max(0, offset))
