"""The audit's part of the model card: what moved the shares of rendered twins, out of the file that ml.measure.fairness wrote."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from patients.formats import decimal, signed

Words = str | Promise
Json = Mapping[str, Any]  # Any: JSON

NAMES: dict[str, Words] = {
    "tone A instead of C": _("lightest skin tone instead of the middle one"),
    "tone B instead of C": _("second skin tone instead of the middle one"),
    "tone D instead of C": _("fourth skin tone instead of the middle one"),
    "tone E instead of C": _("darkest skin tone instead of the middle one"),
    "tone E instead of A": _("darkest skin tone instead of the lightest"),
    "a man's mesh instead of a woman's": _("a man’s face instead of a woman’s"),
    "an old mesh instead of a young one": _("an old face instead of a young one"),
    "another seed of the renderer": _("another seed of the renderer"),
    "head turned by 2 degrees": _("head turned by 2°"),
    "a tenth more light": _("a tenth more light"),
    "a tenth less light": _("a tenth less light"),
    "four fifths of the pixels": _("four fifths of the pixels"),
    "cut at two edges": _("cut at two edges"),
}
"""What ml.measure.fairness calls its comparisons, in words."""


@dataclass(frozen=True)
class Twins:
    """One line: what differed, how much of the shares moved with its interval, how often the named expression changed."""

    name: Words
    moved: str
    interval: str
    renamed: str
    intended: str
    is_beyond_noise: bool


@dataclass(frozen=True)
class Audit:
    """What the file says; empty where there is none for these weights."""

    found: Json

    @property
    def pictures(self) -> int:
        """How many pictures were read."""
        return int(self.found.get("read", 0))

    @property
    def meshes(self) -> int:
        """Of how many meshes they are."""
        return int(self.found.get("meshes", 0))

    @property
    def twins(self) -> list[Twins]:
        """Comparisons of appearance."""
        return list(_lines(self.found.get("comparisons", {})))

    @property
    def noise(self) -> list[Twins]:
        """Changes that make no other face."""
        return list(_lines(self.found.get("noise", {})))


def read_audit(weights: Path, sha256: str) -> Audit:
    """Return the audit of the weights with this hash; an empty one where the file is missing or tells of others."""
    path = weights / "audit.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    return Audit(found if found.get("weights_sha256") == sha256 else {})


def _lines(comparisons: Json) -> Iterator[Twins]:
    for name, each in comparisons.items():
        moved = each["moved"]
        yield Twins(
            NAMES.get(name, name),
            f"{decimal(100 * moved['value'], 1)} %",
            gettext("%(low)s to %(high)s") % {end: decimal(100 * moved[end], 1) for end in ("low", "high")},
            f"{100 * each['renamed']['value']:.0f} %",
            ("+" if each["intended"]["value"] > 0 else "") + signed(100 * each["intended"]["value"], 1),
            bool(each.get("beyond_noise")),
        )
