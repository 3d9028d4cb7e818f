"""What is to become of the images of a batch, and what one of them may cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from worker.errors import BadInput
from worker.model import Limits


class Format(StrEnum):
    """What the result is; KEEP is the input's own format where browsers show it, else JPEG, or PNG with an alpha."""

    KEEP = "keep"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"


class Retain(StrEnum):
    """Which metadata the result carries. The colour profile is no metadata: it always stays."""

    KEEP = "keep"
    """EXIF, XMP and, from JPEG to JPEG, IPTC."""
    NO_POSITION = "no-position"
    """That, without where it was taken: GPS, names of places, and maker notes, which may hide both."""
    COPYRIGHT = "copyright-only"
    """Who made it and whose it is."""
    STRIP = "strip"
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How images are compressed. `longest` is of the longer side, in pixels; 0 means no limit, as in `target_bytes`.

    `originals` has what was fetched stored as well. Raises BadInput for what makes no sense.
    """

    quality: int = 50
    longest: int = 0
    format: Format = Format.KEEP
    target_bytes: int = 0
    metadata: Retain = Retain.COPYRIGHT
    originals: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise BadInput(f"a quality of {self.quality}: choose 1 to 100")
        if self.longest and not 16 <= self.longest <= 16384:
            raise BadInput(f"a longest side of {self.longest} pixels: choose 16 to 16384, or 0 for no limit")
        if self.target_bytes and self.target_bytes < 1000:
            raise BadInput(f"a target of {self.target_bytes} bytes: choose 1000 or more, or 0 for none")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Policy":
        """The policy of a record, or of what somebody asks for. Raises BadInput for what it does not know."""
        try:
            known = dict(given)
            if "format" in known:
                known["format"] = Format(known["format"])
            if "metadata" in known:
                known["metadata"] = Retain(known["metadata"])
            return cls(**known)
        except (TypeError, ValueError) as error:
            raise BadInput(f"the policy cannot be understood: {error}") from error

    def record(self) -> dict[str, Any]:
        """As plain values; `of` reads them."""
        return {**asdict(self), "format": str(self.format), "metadata": str(self.metadata)}


@dataclass(frozen=True, slots=True)
class Caps:
    """What one image may cost: pixels (of all frames together), and seconds from header to result."""

    pixels: int = 100_000_000
    seconds: float = 60.0
    limits: Limits = field(default_factory=Limits)
