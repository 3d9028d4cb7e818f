"""What a set-up looks like to whoever asks, as facts without judgement; worker/operate/doctor.py judges them."""

from worker.errors import Misconfigured


class Unanswered(Misconfigured):
    """The other side does not implement what was asked, as emulators do not implement all of an API."""


class SwitchedOff(Misconfigured):
    """The project does not use this API."""
