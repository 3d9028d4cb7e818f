"""The chart of docs/scaling.md, written by hand as SVG: what could be done per second, over time."""

from collections.abc import Sequence

from bench.scaling.simulation import Result
from bench.scaling.traces import Trace

WIDTH, HEIGHT, LEFT, TOP = 760, 230, 56, 34
POINTS = 150
COLOURS = ("#0b6e99", "#d9730d", "#ad1a72", "#448361", "#6940a5")
STYLE = "font-family='sans-serif' font-size='11' fill='#333'"


def chart(panels: Sequence[Sequence[Result]], captions: Sequence[str]) -> str:
    """An SVG with one panel for the results of each trace."""
    height = (HEIGHT + TOP) * len(panels) + 40
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img'>",
        "<title>Capacity by policy over time</title>",
        f"<rect width='{WIDTH}' height='{height}' fill='#fff'/>",
    ]
    for number, (results, caption) in enumerate(zip(panels, captions, strict=True)):
        top = number * (HEIGHT + TOP) + TOP
        parts.append(f"<g transform='translate({LEFT},{top})'>{''.join(_panel(results, caption))}</g>")
    parts.append(f"<g transform='translate({LEFT},{height - 16})'>{''.join(_legend(panels[0]))}</g></svg>")
    return "\n".join(parts) + "\n"


def _panel(results: Sequence[Result], caption: str) -> list[str]:
    trace = results[0].trace
    times = [trace.seconds * point / POINTS for point in range(POINTS)]
    arrivals = [trace.rate(at) for at in times]
    lines = [[_capacity(result, at) for at in times] for result in results]
    highest = max(map(max, [arrivals, *lines]))
    parts = [f"<text x='0' y='-10' {STYLE} font-weight='bold'>{caption}</text>", *_axes(trace, highest)]
    area = _points(arrivals, highest)
    parts.append(f"<polygon points='0,{_inner()} {area} {_across(POINTS - 1)},{_inner()}' fill='#ddd'/>")
    for line, colour in zip(lines, COLOURS, strict=False):
        parts.append(f"<polyline points='{_points(line, highest)}' fill='none' stroke='{colour}' stroke-width='1.6'/>")
    return parts


def _capacity(result: Result, at: float) -> float:
    return result.targets[int(at / result.trace.step)] * result.policy.platform.images_per_s


def _axes(trace: Trace, highest: float) -> list[str]:
    right, bottom = _across(POINTS - 1), _inner()
    parts = [f"<path d='M0,0 V{bottom} H{right}' fill='none' stroke='#999'/>"]
    for share in (0.0, 0.5, 1.0):
        label = f"{highest * share:,.0f}/s"
        parts.append(f"<text x='-6' y='{bottom * (1 - share) + 4:.0f}' text-anchor='end' {STYLE}>{label}</text>")
        minutes = f"{trace.seconds * share / 60:.0f} min"
        parts.append(f"<text x='{right * share:.0f}' y='{bottom + 14}' text-anchor='middle' {STYLE}>{minutes}</text>")
    return parts


def _legend(results: Sequence[Result]) -> list[str]:
    names = ["images that arrive", *(result.policy.name for result in results)]
    parts, across = [], 0
    for name, colour in zip(names, ("#bbb", *COLOURS), strict=False):
        parts.append(f"<rect x='{across}' y='-9' width='10' height='10' fill='{colour}'/>")
        parts.append(f"<text x='{across + 14}' y='0' {STYLE}>{name}</text>")
        across += 30 + 6 * len(name)
    return parts


def _points(values: Sequence[float], highest: float) -> str:
    bottom = _inner()
    return " ".join(f"{_across(x)},{bottom * (1 - value / highest):.0f}" for x, value in enumerate(values))


def _across(point: int) -> int:
    return round((WIDTH - LEFT - 24) * point / (POINTS - 1))


def _inner() -> int:
    return HEIGHT - 24
