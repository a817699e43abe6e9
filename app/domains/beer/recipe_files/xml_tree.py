"""Parses XML from strangers into a small tree: no DTD, no entities but HTML's, and bounds on elements and depth.

The parser is expat, of the standard library. A document type declaration is rejected as it begins, so no entity is
ever declared, expanded or fetched.
"""

import re
from collections.abc import Iterator, Sequence
from html.entities import html5
from xml.parsers import expat

from app.domains.beer.recipe_files.reading import RecipeFileError

MAX_ELEMENTS = 50_000
"""Elements of a document; a recipe of BeerSmith, with every field that it knows, has 300."""
MAX_DEPTH = 20
"""Elements inside each other; BeerXML has 7."""

_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_MULTIBYTE = frozenset({"big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "iso-2022-jp", "shift-jis"})
"""Encodings that expat does not know and Python does."""
_SINGLE_BYTE = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|(?:us-)?ascii|iso-?8859-\d{1,2}|latin-?\d{1,2}|(?:windows-|cp)125\d|koi8-[ru]|macintosh"
    r"|mac-?roman|(?:cp|ibm)(?:437|85\d|866)",
    re.IGNORECASE,
)
"""Encodings that are left to expat. It would take any codec of Python, such as ``punycode``."""
_ENCODING_ERRORS = frozenset(
    expat.errors.codes[message]
    for message in (expat.errors.XML_ERROR_UNKNOWN_ENCODING, expat.errors.XML_ERROR_INCORRECT_ENCODING)
)


class Element:
    """An element: its name, its text if it has no children, and its children."""

    __slots__ = ("_children", "children", "counts", "parent", "position", "tag", "text")

    def __init__(self, tag: str, parent: "Element | None") -> None:
        """Create an element without text and children.

        Args:
            tag: Name, as the file writes it.
            parent: The element around it; None for the root.
        """
        self.tag = tag
        self.parent = parent
        self.text = ""
        self.children: Sequence[Element] = ()
        self.position = 1  # among the parent's children of this name
        if parent is not None:
            self.position = parent.add(self)

    def add(self, child: "Element") -> int:
        """Add a child; return its position among those of its name."""
        if not self.children:
            self.children = self._children = [child]
            self.counts = {child.tag: 1}  # of the children, by name
            return 1
        self._children.append(child)
        self.counts[child.tag] = position = self.counts.get(child.tag, 0) + 1
        return position

    @property
    def path(self) -> str:
        """Path from the root, with the position among elements of the same name: ``/RECIPES/RECIPE[1]/OG``."""
        if self.parent is None:
            return f"/{self.tag}"
        in_list = self.parent.counts[self.tag] > 1 or self.parent.tag.upper() == f"{self.tag.upper()}S"
        return f"{self.parent.path}/{self.tag}" + (f"[{self.position}]" if in_list else "")

    def find(self, tag: str) -> "Element | None":
        """Return the first child of a name, in any case; None if there is none."""
        return next(self.all(tag), None)

    def all(self, tag: str) -> "Iterator[Element]":
        """Yield the children of a name, in any case."""
        return (child for child in self.children if child.tag.upper() == tag)


def parse_xml(contents: bytes) -> Element:
    """Parse a document, in the encoding that it declares.

    Args:
        contents: The document.

    Returns:
        The root.

    Raises:
        RecipeFileError: If the document is malformed, is in an unknown encoding, declares a document type or an
            entity, or exceeds the bounds.
    """
    contents = contents.lstrip()
    declared = _DECLARED.match(contents)
    encoding = _plain(declared[1].decode("ascii")) if declared else ""
    builder = _Builder()
    try:
        if encoding in _MULTIBYTE:
            builder.parse(contents.decode(encoding).encode(), "utf-8")
        else:
            builder.parse(contents, None)
    except expat.ExpatError as error:
        if error.code in _ENCODING_ERRORS:
            raise _unknown_encoding() from None
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise RecipeFileError("xml_invalid", "", f"is not well-formed XML (at {where})") from None
    except (LookupError, ValueError):  # of codecs; UnicodeError is a ValueError
        raise _unknown_encoding() from None
    if builder.root is None:
        raise RecipeFileError("xml_invalid", "", "is not well-formed XML (it has no element)")
    return builder.root


def _plain(encoding: str) -> str:
    return encoding.lower().replace("_", "-")


def _unknown_encoding() -> RecipeFileError:
    return RecipeFileError("unknown_encoding", "", "is not in the encoding that it declares, or in an unknown one")


class _Builder:
    """Builds the tree from expat's events."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._current: Element | None = None
        self._texts: list[str] = []
        self._elements = 0
        self._depth = 0

    def parse(self, contents: bytes, encoding: str | None) -> None:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._texts.append
        parser.StartDoctypeDeclHandler = self._doctype
        if encoding is None:
            parser.XmlDeclHandler = self._declaration
        parser.UseForeignDTD(True)  # an undeclared entity is then skipped rather than an error
        parser.SkippedEntityHandler = self._entity
        parser.Parse(contents, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._elements > MAX_ELEMENTS:
            raise RecipeFileError("too_many_elements", "", f"has more than {MAX_ELEMENTS} elements")
        if self._depth > MAX_DEPTH:
            raise RecipeFileError("too_deep", "", f"has more than {MAX_DEPTH} elements inside each other")
        self._current = Element(tag, self._current)
        self.root = self.root or self._current
        self._texts.clear()

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if element := self._current:
            element.text = "" if element.children else "".join(self._texts)
            self._current = element.parent
        self._texts.clear()

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and not _SINGLE_BYTE.fullmatch(_plain(encoding)):
            raise _unknown_encoding()

    def _doctype(self, *declaration: object) -> None:
        raise RecipeFileError("document_type", "", "declares a document type, which no recipe file needs")

    def _entity(self, name: str, is_parameter: bool) -> None:
        if (text := html5.get(f"{name};")) is None:
            raise RecipeFileError("unknown_entity", "", "refers to an entity that neither XML nor HTML has")
        self._texts.append(text)
