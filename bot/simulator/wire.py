"""XML as the platforms write it, and the reading of what the bot answers. No signing, no HTTP."""

import re
from collections.abc import Mapping
from xml.parsers.expat import ExpatError

import xmltodict

from bot.simulator.errors import BrokenReplyError

Value = str | int | Mapping[str, "Value"]
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xml(fields: Mapping[str, Value]) -> str:
    """`<xml>` with the fields in their order: text as CDATA, numbers bare, mappings nested."""
    return f"<xml>{_write(fields)}</xml>"


def read_xml(text: str | bytes) -> dict[str, object]:
    """The fields below `<xml>`. Raises BrokenReplyError if it is not well formed or has another root."""
    try:
        tree = xmltodict.parse(text, disable_entities=True)
    except (ExpatError, ValueError, UnicodeError) as error:
        raise BrokenReplyError("not well-formed XML") from error
    fields = tree.get("xml")
    if not isinstance(fields, dict):
        raise BrokenReplyError("no fields below <xml>")
    return fields


def _write(fields: Mapping[str, Value]) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items())


def _value(value: Value) -> str:
    if isinstance(value, Mapping):
        return _write(value)
    if isinstance(value, int):
        return str(value)
    safe = _ILLEGAL.sub("", value).replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{safe}]]>"
