"""The part of the model card on appearance: what moved the probabilities of rendered faces that differ in one parameter."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ml.card_facts import Comparison
from patients.models.formats import decimal, in_percent, of_hundred, signed

Text = str | Promise

NAMES: dict[str, Text] = {
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
"""The comparisons of ml.measure.fairness as the page calls them."""


@dataclass(frozen=True)
class ComparisonRow:
    """What differed, how far the probabilities moved, with its interval, and how often another expression was named."""

    name: Text
    moved: str
    interval: str
    renamed: str
    intended: str
    is_beyond_noise: bool


def comparison_row(each: Comparison) -> ComparisonRow:
    """Return the comparison as the page writes it."""
    moved, intended = each.moved, each.intended.value
    return ComparisonRow(
        NAMES.get(each.name, each.name),
        in_percent(decimal(100 * moved.value, 1)),
        gettext("%(low)s to %(high)s") % {"low": decimal(100 * moved.low, 1), "high": decimal(100 * moved.high, 1)},
        of_hundred(each.renamed.value),
        ("+" if intended > 0 else "") + signed(100 * intended, 1),
        each.is_beyond_noise,
    )
