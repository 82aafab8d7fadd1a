"""The second expression of a reading, told where the first alone would mislead: neutral, or hardly ahead."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from ml.serve.expressions import EXPRESSIONS
from patients.models.formats import percent, rounded

LEAST = 0.05  # a second expression with a smaller share says nothing
CLOSE = 0.15  # the first is hardly ahead by less than this


@dataclass(frozen=True)
class RunnerUp:
    """The two largest shares of a reading. Raters call most weak expressions neutral, so after neutral the second tells more."""

    first: str
    first_share: float
    expression: str
    share: float

    @property
    def short(self) -> str:
        """Return "then sad 31%"; empty if the share is too small to say anything."""
        if rounded(self.share) < LEAST:
            return ""
        return _("then %(expression)s %(share)s") % {"expression": _(self.expression), "share": percent(self.share)}

    @property
    def both(self) -> str:
        """Return "happy 41%, then neutral 31%"."""
        return f"{_(self.first)} {percent(self.first_share)}, {self.short}"

    @property
    def sentence(self) -> str:
        """Return what the second expression is, and why to look at it."""
        if not self.short:
            return _("Raters call most weak expressions neutral. No other expression reaches %(share)s.") % {
                "share": percent(LEAST)
            }
        facts = {"expression": _(self.expression), "share": percent(self.share)}
        if self.first == "neutral":
            return _("Raters call most weak expressions neutral. The second expression is %(expression)s, %(share)s.") % facts
        return _("The second expression is close: %(expression)s, %(share)s.") % facts


def runner_up(probabilities: tuple[float, ...] | None, is_too_close: bool) -> RunnerUp | None:
    """Return the second expression after neutral and in a close reading; None in any other."""
    if probabilities is None:
        return None
    (one, first), (other, second), *_rest = sorted(zip(probabilities, EXPRESSIONS, strict=True), reverse=True)
    is_close = is_too_close or rounded(one) - rounded(other) < CLOSE
    return RunnerUp(first, one, second, other) if is_close or first == "neutral" else None
