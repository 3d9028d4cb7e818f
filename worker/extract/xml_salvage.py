"""What still makes sense of an XMP packet that is no XML any more, even mended.

Tags are taken one by one, with whatever stands between them. An element that is not closed, or in which something
was no tag, was not read whole; neither was what it stands in. Names may hold any characters.
"""

import html
import re
from xml.etree.ElementTree import Element

from worker.extract.budget import Budget

_START = re.compile(r"""<([^\s<>/"'=!?&]++)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""")
_END = re.compile(r"""</\s*([^\s<>/"'=]++)\s*>""")
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]++)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
_UNUSUAL = re.compile(r"[^\w.-]")
_BLANKS = re.compile(r"[\t\r\n]")
_PASSED = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"))
"""Comments, instructions and plain text, by how they begin and end."""
_STEPS_PER_CHECK = 1024
_STEPS_PER_NODE = 4


def read(text: str, budget: Budget, most: int, deepest: int) -> tuple[list[Element], set[Element]]:
    """The elements at the top, with names in the form `{namespace}local`, and those that were not read whole.

    Ends at `most` elements and attributes, after four times as many tags, or where one stands deeper than `deepest`.
    Raises Spent where the budget is.
    """
    salvage = _Salvage()
    at = text.find("<")
    steps = 0  # of which each node takes one, and what is no node as well
    while at >= 0 and salvage.nodes < most and steps < _STEPS_PER_NODE * most and len(salvage.stack) <= deepest + 1:
        end = salvage.take(text, at)
        at = text.find("<", end)
        salvage.pieces.append(html.unescape(text[end : at if at >= 0 else len(text)]))
        steps += 1
        if steps % _STEPS_PER_CHECK == 0:
            budget.check()
    salvage.close(1)
    return list(salvage.stack[0][1]), salvage.unfinished


class _Salvage:
    """The elements so far: `stack` are the names and elements that are open, `pieces` the text since the last tag."""

    def __init__(self) -> None:
        self.stack: list[tuple[str, Element]] = [("", Element("packet"))]
        self.unfinished: set[Element] = set()
        self.pieces: list[str] = []
        self.nodes = 0
        self._namespaces: dict[str, str] = {"xml": "http://www.w3.org/XML/1998/namespace"}

    def take(self, text: str, at: int) -> int:
        """Take the tag, or what else begins with the `<` at `at`; the place behind it."""
        if match := _START.match(text, at):
            self._begin(match[1], match[2])
            return match.end()
        if match := _END.match(text, at):
            self._end(match[1])
            return match.end()
        for begin, end in _PASSED:
            if text.startswith(begin, at):
                return self._pass(text, at + len(begin), end)
        self.unfinished.add(self.stack[-1][1])
        return at + 1

    def close(self, depth: int) -> None:
        """Close all elements that are open from `depth` on, as not read whole."""
        while len(self.stack) > depth:
            self.unfinished.add(self.stack[-1][1])
            self._pop()

    def _pass(self, text: str, start: int, end: str) -> int:
        found = text.find(end, start)
        if found < 0:
            self.unfinished.add(self.stack[-1][1])
            return len(text)
        if end == "]]>":
            self.pieces.append(text[start:found])
        return found + len(end)

    def _begin(self, qualified: str, attributes: str) -> None:
        stated = {
            name: _BLANKS.sub(" ", html.unescape(one or two)) for name, one, two in _ATTRIBUTE.findall(attributes)
        }
        for name, value in stated.items():
            if name.startswith("xmlns:"):
                self._namespaces[name[6:]] = value
        named = {self._name(name): value for name, value in stated.items() if not name.startswith("xmlns")}
        element = Element(self._name(qualified), named)
        self.stack[-1][1].append(element)
        self.stack.append((qualified, element))
        self.pieces.clear()
        self.nodes += 1 + len(stated)
        if attributes.endswith("/"):
            self._pop()

    def _end(self, qualified: str) -> None:
        for depth in range(len(self.stack) - 1, 0, -1):
            if self.stack[depth][0] == qualified:
                self.close(depth + 1)
                self._pop()
                return
        self.unfinished.add(self.stack[-1][1])

    def _pop(self) -> None:
        _, element = self.stack.pop()
        if not len(element):
            element.text = "".join(self.pieces)
        self.pieces.clear()
        if element in self.unfinished:
            self.unfinished.add(self.stack[-1][1])

    def _name(self, qualified: str) -> str:
        prefix, _, local = qualified.rpartition(":")
        return f"{{{self._namespaces.get(prefix, f'{prefix}:')}}}{_UNUSUAL.sub('_', local)}"
