"""The RDF of an XMP packet to tags: properties, bags, sequences, alternatives and structures to plain values.

Reading is tolerant where files are sloppy (a structure without rdf:parseType, properties of elements other than
rdf:Description), and strict where a value would come out wrong: what was not read whole is left out.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from worker.extract.xml_tree import Element, Tree
from worker.extract.xmp_schema import MAX_NAME, Name, name_of, printable, typed
from worker.model import Tag, TagValue

Tags = dict[str, Tag]

MAX_PROPERTIES = 10_000
"""Of one packet; the richest real ones have a few hundred."""
MAX_LEVELS = 12
"""Values that nest deeper are left out: a document has room for 20 levels, and no schema needs more."""
_LONGEST_REMEMBERED = 300
"""Characters of a name and its namespace: the memory for names outlives the image, and files choose their length."""
DEFAULT_LANGUAGE = "x-default"


_MOST_SHARED_NAMES, _DEEPEST_SHARED, _LONGEST_SHARED = 512, 3, 4000
"""Names in a shared scope, the depth of the last one, and characters of its declarations."""

Declared = tuple[str, str]
"""A prefix and its namespace."""


class TooDeep(Exception):
    """A value nests deeper than a document can hold."""


class _Names(dict[str, Name]):
    """The names in one scope of namespace declarations, by the qualified name that stands in the packet.

    Scopes are chained, not copied: a hostile packet declares thousands of namespaces around thousands of elements.
    The outer ones are shared by all packets that declare the same, which those of one program do; what files can
    make them keep is bounded.
    """

    def __init__(self, declared: tuple[Declared, ...], outer: "_Names | None", *, is_shared: bool) -> None:
        super().__init__()
        self._declared = dict(declared)
        self._outer = outer
        self._is_shared = is_shared
        self._depth: int = outer._depth + 1 if outer is not None else 0

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none; a scope is itself, whatever it remembers
        return id(self)

    def __missing__(self, qualified: str) -> Name:
        prefix, _, local = qualified.rpartition(":")
        uri = self._declared[prefix] if prefix in self._declared else self._uri(prefix)
        if len(qualified) + len(uri or "") > _LONGEST_REMEMBERED:
            name = name_of.__wrapped__(uri, prefix, local)
            if self._is_shared:
                return name
        else:
            name = name_of(uri, prefix, local)
        if len(self) < _MOST_SHARED_NAMES or not self._is_shared:
            self[qualified] = name
        return name

    def _uri(self, prefix: str) -> str | None:
        scope: _Names | None = self
        while scope is not None:
            if prefix in scope._declared:
                return scope._declared[prefix]
            scope = scope._outer
        return None

    def within(self, attributes: Mapping[str, str]) -> "_Names":
        """The names inside an element with these attributes: others only if it declares namespaces anew."""
        declared = tuple([(key[6:], uri) for key, uri in attributes.items() if key[:5] == "xmlns"])
        if not declared or all(self._uri(prefix) == uri for prefix, uri in declared):
            return self
        length = sum([len(prefix) + len(uri) for prefix, uri in declared])
        if self._is_shared and self._depth < _DEEPEST_SHARED and length <= _LONGEST_SHARED:
            return _shared(declared, self)
        return _Names(declared, self, is_shared=False)


@lru_cache(maxsize=64)
def _shared(declared: tuple[Declared, ...], outer: _Names) -> _Names:
    return _Names(declared, outer, is_shared=True)


_OUTERMOST = _Names((), None, is_shared=True)


def properties(tree: Tree, tag_bytes: int) -> Tags | None:
    """The properties of every rdf:RDF element in the tree; None if it is no XMP at all.

    Of more than MAX_PROPERTIES the first are kept. A value of more than `tag_bytes` characters is left out, its
    length and SHA-256 in its place. Of a property that is stated twice the first statement wins, but the items of
    arrays add up.
    """
    found: Tags = {}
    is_xmp = False
    pending = [(root, _OUTERMOST) for root in reversed(tree.roots)]
    while pending:
        element, outer = pending.pop()
        names = outer.within(element.attributes) if element.attributes else outer
        name = names[element.name]
        if name.id == "rdf:RDF":
            is_xmp = True
            for description in element.children:
                _describe(description, names, tag_bytes, found)
            continue
        if name.local in ("xmpmeta", "xapmeta"):
            is_xmp = True
            _toolkit(element.attributes, tag_bytes, found)
        pending.extend((child, names) for child in reversed(element.children))
    return found if is_xmp else None


def _toolkit(attributes: Mapping[str, str], tag_bytes: int, found: Tags) -> None:
    """Add the name of the software that wrote the packet; before 2004 it stood in `xaptk`."""
    for qualified, text in attributes.items():
        if qualified.endswith((":xmptk", ":xaptk")):
            _state(found, name_of(None, "x", "xmptk"), text, tag_bytes)


def _describe(description: Element, outer: _Names, tag_bytes: int, found: Tags) -> None:
    """Add the properties of one rdf:Description, those in attributes and those in elements."""
    names = outer.within(description.attributes) if description.attributes else outer
    for qualified, value in description.attributes.items():
        name = names[qualified]
        if not name.is_syntax:
            _state(found, name, value, tag_bytes)
    for element in description.children:
        text, attributes = element.text, element.attributes
        if text is None:
            continue
        if len(found) >= MAX_PROPERTIES:
            return
        if attributes or element.children:
            scope = names.within(attributes) if attributes else names
            _state_structured(found, scope[element.name], element, scope, tag_bytes)
        else:
            _state(found, names[element.name], text, tag_bytes)


def _state(found: Tags, name: Name, text: str, tag_bytes: int) -> None:
    """Add a property with a simple value; `text` is what stands in the file."""
    key = name.key
    if key in found:
        if not name.is_array:
            return
    elif not name.is_array and len(text) <= tag_bytes and len(key) <= MAX_NAME and len(found) < MAX_PROPERTIES:
        plain = name.kind == "text" and not text.isspace()  # almost all
        found[key] = Tag(name.id, "xmp", text if plain else typed(text, name.kind), text)
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
    """The value of a property, a field or an array item; `names` are those inside the element."""
    if level > MAX_LEVELS:
        raise TooDeep
    attributes = element.attributes
    if element.children:
        first = element.children[0]
        inner = names.within(first.attributes) if first.attributes else names
        kind_of_node = inner[first.name].id
        if kind_of_node in ("rdf:Bag", "rdf:Seq"):
            return _array(first.children, name, inner, level)
        if kind_of_node == "rdf:Alt":
            return _alternatives(first.children, name, inner, level)
        if kind_of_node == "rdf:Description":
            return _structure({**attributes, **first.attributes}, first.children, inner, level)
        return _structure(attributes, element.children, names, level)
    for qualified, value in attributes.items():
        attribute = names[qualified]
        if attribute.id == "rdf:resource":
            return value
        if not attribute.is_syntax:
            return _structure(attributes, [], names, level)
    return typed(element.text or "", name.kind)


def _structure(attributes: Mapping[str, str], children: list[Element], names: _Names, level: int) -> TagValue:
    """The fields of a structure by their local names; of a qualified value, the value alone."""
    fields: dict[str, TagValue] = {}
    for qualified, text in attributes.items():
        name = names[qualified]
        if not name.is_syntax:
            fields.setdefault(name.local[:MAX_NAME], typed(text, name.kind))
    for child in children:
        scope = names.within(child.attributes) if child.attributes else names
        name = scope[child.name]
        if child.attributes or child.children or level >= MAX_LEVELS:
            value = _value(child, name, scope, level + 1)
        else:
            value = typed(child.text or "", name.kind)
        if name.id == "rdf:value":
            return value
        if not name.is_syntax:
            fields.setdefault(name.local[:MAX_NAME], value)
    return fields


def _array(items: list[Element], name: Name, names: _Names, level: int) -> list[TagValue]:
    """The items of a bag or sequence. A list in a list is drawn flat: a document cannot hold it."""
    values: list[TagValue] = []
    for item in items:
        if not (item.attributes or item.children) and level < MAX_LEVELS:
            values.append(typed(item.text or "", name.kind))
            continue
        value = _value(item, name, names.within(item.attributes) if item.attributes else names, level + 1)
        if isinstance(value, list):
            values.extend(value)
        else:
            values.append(value)
    return values


def _alternatives(items: list[Element], name: Name, names: _Names, level: int) -> TagValue:
    """A text in several languages: the default's text alone, or where others are named, all by language.

    The result by language always has `x-default`: the first, where the file names none. Alternatives that are
    not languages (thumbnails) are a list.
    """
    values = _array(items, name, names, level)
    languages = [item.attributes.get("xml:lang") for item in items]
    if not any(languages) or len(languages) != len(values):
        return values[0] if len(values) == 1 and isinstance(values[0], str) else values
    texts: dict[str, TagValue] = {}
    for language, value in zip(languages, values, strict=True):
        texts.setdefault((language or DEFAULT_LANGUAGE)[:MAX_NAME], value)
    default = texts.pop(DEFAULT_LANGUAGE, values[0])
    return {DEFAULT_LANGUAGE: default, **texts} if texts else default
