"""The RDF of an XMP packet to tags: properties, bags, sequences, alternatives and structures to plain values.

Reading is tolerant where files are sloppy (a structure without rdf:parseType, properties of elements other than
rdf:Description), and strict where a value would come out wrong: what was not read whole is left out.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

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


class TooDeep(Exception):
    """A value nests deeper than a document can hold."""


class _Names(dict[str, Name]):
    """The names in one scope of namespace declarations, by the qualified name that stands in the packet.

    Scopes are chained, not copied: a hostile packet declares thousands of namespaces around thousands of elements.
    """

    def __init__(self, declared: Mapping[str, str], outer: "_Names | None" = None) -> None:
        super().__init__()
        self._declared = declared
        self._outer = outer

    def __missing__(self, qualified: str) -> Name:
        prefix, _, local = qualified.rpartition(":")
        uri = self._uri(prefix)
        remembered = len(qualified) + len(uri or "") <= _LONGEST_REMEMBERED
        name = self[qualified] = (name_of if remembered else name_of.__wrapped__)(uri, prefix, local)
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
        declared = {key[6:]: uri for key, uri in attributes.items() if key.startswith("xmlns")}
        if all(self._uri(prefix) == uri for prefix, uri in declared.items()):
            return self
        return _Names(declared, self)


def properties(tree: Tree, tag_bytes: int) -> Tags | None:
    """The properties of every rdf:RDF element in the tree; None if it is no XMP at all.

    Of more than MAX_PROPERTIES the first are kept. A value of more than `tag_bytes` characters is left out, its
    length and SHA-256 in its place. Of a property that is stated twice the first statement wins, but the items of
    arrays add up.
    """
    found: Tags = {}
    is_xmp = False
    pending = [(root, _Names({})) for root in reversed(tree.roots)]
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
    for qualified, text in description.attributes.items():
        name = names[qualified]
        if not name.is_syntax:
            _state(found, name, text, tag_bytes)
    for element in description.children:
        if element.text is None:
            continue
        if len(found) >= MAX_PROPERTIES:
            return
        if element.attributes or element.children:
            scope = names.within(element.attributes) if element.attributes else names
            _state_structured(found, scope[element.name], element, scope, tag_bytes)
        else:
            _state(found, names[element.name], element.text, tag_bytes)


def _state(found: Tags, name: Name, text: str, tag_bytes: int) -> None:
    """Add a property with a simple value; `text` is what stands in the file."""
    if name.key in found and not name.is_array:
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
        value = _value(child, name, scope, level + 1)
        if name.id == "rdf:value":
            return value
        if not name.is_syntax:
            fields.setdefault(name.local[:MAX_NAME], value)
    return fields


def _array(items: list[Element], name: Name, names: _Names, level: int) -> list[TagValue]:
    """The items of a bag or sequence. A list in a list is drawn flat: a document cannot hold it."""
    values: list[TagValue] = []
    for item in items:
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
