"""The parameters of one picture: all that is needed to render it again."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tools.cohort.people import PEOPLE, Person


@dataclass(frozen=True)
class Shot:
    """Who, with which expressions (each at its intensity), how the head is turned, lit and framed. Angles in degrees."""

    person: str
    expression: dict[str, float]
    yaw: float = 4.0
    pitch: float = 0.0
    roll: float = 0.0
    light: str = "soft"
    exposure: float = 0.0
    lens_mm: float = 112.0
    shift: tuple[float, float] = (0.0, 0.0)
    room: int = 0
    seed: int = 0
    side_px: int = 512
    samples: int = 2
    changes: dict[str, Any] = field(default_factory=dict)  # Any: fields of Person, varied by counterfactual pairs

    def of(self) -> Person:
        """Return the person, with the changes."""
        return replace(PEOPLE[self.person], **self.changes)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """Return the parameters without those that have their usual value."""
        usual = asdict(Shot(self.person, {}))
        return {name: value for name, value in asdict(self).items() if name in ("person", "expression") or value != usual[name]}
