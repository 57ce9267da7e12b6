"""Reads a callback's XML and writes replies. No DTD, no entities, no depth, no other encoding than UTF-8."""

import re
from xml.parsers import expat

from bot.callback.errors import MalformedMessageError

_DEEPEST = 6
_MOST_FIELDS = 200
_LIST_DEPTH = 3
_MOST_LISTS = 20
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_fields(body: bytes) -> dict[str, str]:
    """The root's children as name → text; where one stands twice the first counts, nested ones are left out.

    Raises MalformedMessageError for anything that is not well-formed UTF-8 XML of a modest shape.
    """
    reader = _Reader()
    parser = expat.ParserCreate("UTF-8")  # overrides whatever encoding the document declares
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse  # type: ignore[assignment]  # it raises before it returns
    parser.XmlDeclHandler = _check_encoding
    if b"\x00" in body:  # UTF-16, which expat would recognise in spite of the line above
        raise MalformedMessageError
    try:
        parser.Parse(body.decode("utf-8"), True)
    except (expat.ExpatError, UnicodeDecodeError, ValueError) as error:
        raise MalformedMessageError(type(error).__name__) from None
    if reader.root != "xml":
        raise MalformedMessageError
    return reader.fields


def read_lists(body: bytes) -> list[dict[str, str]]:
    """Each element List at the third level as name → text: what subscription events carry. At most 20.

    The body is one that `read_fields` has taken; anything else raises MalformedMessageError here too.
    """
    reader = _ListReader()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body.decode("utf-8"), True)
    except (expat.ExpatError, UnicodeDecodeError, ValueError) as error:
        raise MalformedMessageError(type(error).__name__) from None
    return reader.lists


def text_element(name: str, text: str) -> str:
    """An element that holds `text` as CDATA, safe for any text: what XML cannot carry is left out."""
    return f"<{name}><![CDATA[{safe_text(text).replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"


def safe_text(text: str) -> str:
    """The text without characters that XML cannot carry."""
    return _ILLEGAL.sub("", text)


class _Reader:
    """Collects the fields while expat goes through the document."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.root = ""
        self._depth = 0
        self._name = ""
        self._parts: list[str] = []

    def start(self, name: str, _attributes: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST or len(self.fields) > _MOST_FIELDS:
            raise MalformedMessageError
        if self._depth == 1:
            self.root = name
        elif self._depth == 2:  # noqa: PLR2004 - a child of the root
            self._name, self._parts = name, []

    def end(self, _name: str) -> None:
        if self._depth == 2:  # noqa: PLR2004 - a child of the root
            self.fields.setdefault(self._name, "".join(self._parts))
        self._depth -= 1

    def text(self, text: str) -> None:
        if self._depth == 2:  # noqa: PLR2004 - a child of the root
            self._parts.append(text)


class _ListReader:
    """Collects xml/*/List/name → text."""

    def __init__(self) -> None:
        self.lists: list[dict[str, str]] = []
        self._path: list[str] = []
        self._parts: list[str] = []

    def start(self, name: str, _attributes: object) -> None:
        self._path.append(name)
        self._parts = []
        if len(self._path) == _LIST_DEPTH and name == "List":
            if len(self.lists) >= _MOST_LISTS:
                raise MalformedMessageError
            self.lists.append({})

    def end(self, name: str) -> None:
        if len(self._path) == _LIST_DEPTH + 1 and self._path[-2] == "List":
            self.lists[-1].setdefault(name, "".join(self._parts))
        self._path.pop()

    def text(self, text: str) -> None:
        self._parts.append(text)


def _refuse(*_: object) -> None:
    raise MalformedMessageError


def _check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
        raise MalformedMessageError
