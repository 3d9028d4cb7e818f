"""The RDF of an XMP packet to tags: properties, bags, sequences, alternatives and structures to plain values.

Reading is tolerant where files are sloppy (a structure without rdf:parseType, properties of elements other than
rdf:Description), and strict where a value would come out wrong: what was not read whole is left out.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import lru_cache
from xml.etree.ElementTree import Element

from worker.extract.xml_tree import Tree
from worker.extract.xmp_schema import MAX_NAME, Name, name_of, own_prefix, printable, standard_prefix, typed
from worker.model import Tag, TagValue

Tags = dict[str, Tag]

MAX_PROPERTIES = 10_000
"""Of one packet; the richest real ones have a few hundred."""
MAX_LEVELS = 12
"""Values that nest deeper are left out: a document has room for 20 levels, and no schema needs more."""
DEFAULT_LANGUAGE = "x-default"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class TooDeep(Exception):
    """A value nests deeper than a document can hold."""


_MOST_REMEMBERED, _LONGEST_REMEMBERED = 4096, 300
"""Names that outlive the image, and the characters of one: files choose both."""


_DECLARATION = re.compile(rb"""xmlns:([^\s=<>"']{1,100})\s{0,9}=\s{0,9}["']([^<"']{0,300})""")


@lru_cache(maxsize=1)
def _known() -> dict[str, Name]:
    """The names of well-known namespaces that were met before, in any image: a few hundred come with every one."""
    return {}


class _Names(dict[str, Name]):
    """The names of one packet, by the form that the tree has: `{namespace}local`."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self._document = document
        self.known = _known()
        self._prefixes: dict[str, str] | None = None

    def __missing__(self, qualified: str) -> Name:
        uri, _, local = qualified[1:].rpartition("}") if qualified[:1] == "{" else ("", "", qualified)
        if standard := standard_prefix(uri):
            name = name_of(standard, local)
            if len(qualified) <= _LONGEST_REMEMBERED:
                if len(self.known) >= _MOST_REMEMBERED:
                    self.known.clear()
                self.known[qualified] = name
                return name
        else:
            name = name_of(own_prefix(self._prefix(uri)), local)
        self[qualified] = name
        return name

    def _prefix(self, uri: str) -> str:
        """The prefix that the packet first declares for the namespace, or uses without declaring any."""
        if self._prefixes is None:
            self._prefixes = {"": ""}
            for prefix, declared in _DECLARATION.findall(self._document):
                self._prefixes.setdefault(declared.decode("utf-8", "replace"), prefix.decode("utf-8", "replace"))
        return self._prefixes.get(uri) or uri.removesuffix(":")


def properties(tree: Tree, tag_bytes: int) -> Tags | None:
    """The properties of every rdf:RDF element in the tree; None if it is no XMP at all.

    Of more than MAX_PROPERTIES the first are kept. A value of more than `tag_bytes` characters is left out, its
    length and SHA-256 in its place. Of a property that is stated twice the first statement wins, but the items of
    arrays add up.
    """
    found: Tags = {}
    is_xmp = False
    names = _Names(tree.document)
    pending = tree.roots[::-1]
    while pending:
        element = pending.pop()
        name = names.known.get(element.tag) or names[element.tag]
        if name.id == "rdf:RDF":
            is_xmp = True
            for description in element:
                _describe(description, names, tag_bytes, tree.unfinished, found)
            continue
        if name.local in ("xmpmeta", "xapmeta"):
            is_xmp = True
            _toolkit(element.attrib, tag_bytes, found)
        pending.extend(reversed(element))
    return found if is_xmp else None


_TOOLKIT = name_of("x", "xmptk")


def _toolkit(attributes: Mapping[str, str], tag_bytes: int, found: Tags) -> None:
    """Add the name of the software that wrote the packet; before 2004 it stood in `xaptk`."""
    for qualified, text in attributes.items():
        if qualified.endswith(("}xmptk", "}xaptk")):
            _state(found, _TOOLKIT, text, tag_bytes)


def _describe(
    description: Element, names: _Names, tag_bytes: int, unfinished: AbstractSet[Element], found: Tags
) -> None:
    """Add the properties of one rdf:Description, those in attributes and those in elements."""
    known = names.known
    for qualified, value in description.attrib.items():
        if len(found) >= MAX_PROPERTIES:
            return
        name = known.get(qualified) or names[qualified]
        if not name.is_syntax:
            _state(found, name, value, tag_bytes)
    for element in description:
        if unfinished and element in unfinished:
            continue
        if len(found) >= MAX_PROPERTIES:
            return
        name = known.get(element.tag) or names[element.tag]
        if len(element) or element.keys():
            _state_structured(found, name, element, names, tag_bytes)
        else:
            _state(found, name, element.text or "", tag_bytes)


def _state(found: Tags, name: Name, text: str, tag_bytes: int) -> None:
    """Add a property with a simple value; `text` is what stands in the file."""
    key = name.key
    if key in found:
        if not name.is_array:
            return
    elif name.is_single and len(text) <= tag_bytes and len(found) < MAX_PROPERTIES:  # almost all
        is_text = name.kind == "text" and not text.isspace()
        found[key] = Tag(name.id, "xmp", text if is_text else typed(text, name.kind), text)
        return
    if len(text) > tag_bytes:
        _add(found, name, _omitted(text), "", tag_bytes)
        return
    value = typed(text, name.kind)
    if name.is_array:
        value = [] if value == "" else [value]
    _add(found, name, value, text, tag_bytes)


def _state_structured(found: Tags, name: Name, element: Element, names: _Names, tag_bytes: int) -> None:
    """Add a property whose value has parts or qualifiers."""
    if name.is_syntax or (name.key in found and not name.is_array):
        return
    try:
        value = _value(element, name, names, 0)
    except TooDeep:
        value = _omitted("")
    text = printable(value)
    if len(text) > tag_bytes:
        value, text = _omitted(json.dumps(value, ensure_ascii=False)), ""
    elif name.is_array and not isinstance(value, list | dict):
        value = [value]
    _add(found, name, value, text, tag_bytes)


def _add(found: Tags, name: Name, value: TagValue, text: str, tag_bytes: int) -> None:
    known = found.get(name.key)
    if known is None:
        if len(name.key) <= MAX_NAME and len(found) < MAX_PROPERTIES:
            found[name.key] = Tag(name.id, "xmp", value, text)
    elif isinstance(known.value, list) and isinstance(value, list):
        known.value.extend(value)
        text = f"{known.text}, {text}"
        if len(text) > tag_bytes:
            found[name.key] = Tag(name.id, "xmp", _omitted(text), "")
        else:
            found[name.key] = replace(known, text=text)


def _omitted(text: str) -> TagValue:
    data = text.encode("utf-8", "replace")
    return {"omitted": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# --- values ------------------------------------------------------------------------------------------------


def _value(element: Element, name: Name, names: _Names, level: int) -> TagValue:
    """The value of a property, a field or an array item."""
    if level > MAX_LEVELS:
        raise TooDeep
    attributes = element.attrib
    if len(element):
        first = element[0]
        node = names.known.get(first.tag) or names[first.tag]
        if node.id in ("rdf:Bag", "rdf:Seq"):
            return _array(first, name, names, level)
        if node.id == "rdf:Alt":
            return _alternatives(first, name, names, level)
        if node.id == "rdf:Description":
            return _structure({**attributes, **first.attrib}, first, names, level)
        return _structure(attributes, element, names, level)
    for qualified, value in attributes.items():
        attribute = names.known.get(qualified) or names[qualified]
        if attribute.id == "rdf:resource":
            return value
        if not attribute.is_syntax:
            return _structure(attributes, (), names, level)
    return typed(element.text or "", name.kind)


def _structure(attributes: Mapping[str, str], children: Iterable[Element], names: _Names, level: int) -> TagValue:
    """The fields of a structure by their local names; of a qualified value, the value alone."""
    fields: dict[str, TagValue] = {}
    known = names.known
    for qualified, text in attributes.items():
        name = known.get(qualified) or names[qualified]
        if not name.is_syntax:
            fields.setdefault(name.local[:MAX_NAME], typed(text, name.kind))
    for child in children:
        name = known.get(child.tag) or names[child.tag]
        if len(child) or child.keys() or level >= MAX_LEVELS:
            value = _value(child, name, names, level + 1)
        else:
            value = typed(child.text or "", name.kind)
        if name.id == "rdf:value":
            return value
        if not name.is_syntax:
            fields.setdefault(name.local[:MAX_NAME], value)
    return fields


def _array(items: Iterable[Element], name: Name, names: _Names, level: int) -> list[TagValue]:
    """The items of a bag or sequence. A list in a list is drawn flat: a document cannot hold it."""
    values: list[TagValue] = []
    for item in items:
        if not (len(item) or item.keys()) and level < MAX_LEVELS:
            values.append(typed(item.text or "", name.kind))
            continue
        value = _value(item, name, names, level + 1)
        if isinstance(value, list):
            values.extend(value)
        else:
            values.append(value)
    return values


def _alternatives(items: Iterable[Element], name: Name, names: _Names, level: int) -> TagValue:
    """A text in several languages: the default's text alone, or where others are named, all by language.

    The result by language always has `x-default`: the first, where the file names none. Alternatives that are
    not languages (thumbnails) are a list.
    """
    values = _array(items, name, names, level)
    languages = [item.attrib.get(_LANGUAGE) for item in items]
    if not any(languages) or len(languages) != len(values):
        return values[0] if len(values) == 1 and isinstance(values[0], str) else values
    texts: dict[str, TagValue] = {}
    for language, value in zip(languages, values, strict=True):
        texts.setdefault((language or DEFAULT_LANGUAGE)[:MAX_NAME], value)
    default = texts.pop(DEFAULT_LANGUAGE, values[0])
    return {DEFAULT_LANGUAGE: default, **texts} if texts else default
