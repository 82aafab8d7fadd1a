"""The difference between two sides in words: how large it is, and whether it may be due to chance."""

from django.utils.translation import gettext as _

from patients.models.formats import signed
from patients.timeline.compare import Comparison, ComparisonRow


def difference_in_words(found: Comparison) -> str:
    """Return by how much the valence index of the second side differs from that of the first."""
    row = found.valence
    facts = {"by": signed(abs(row.difference)), "first": signed(row.first), "second": signed(row.second)}
    facts |= {"before": found.first.name, "after": found.second.name}
    if found.first.visits == found.second.visits == 1:
        if row.difference > 0:
            return _("The valence index was %(by)s higher on %(after)s (%(second)s) than on %(before)s (%(first)s).") % facts
        if row.difference < 0:
            return _("The valence index was %(by)s lower on %(after)s (%(second)s) than on %(before)s (%(first)s).") % facts
        return _("The valence index was %(second)s on both days.") % facts
    if row.difference > 0:
        return _("The mean valence index was %(by)s higher in the second (%(second)s) than in the first (%(first)s).") % facts
    if row.difference < 0:
        return _("The mean valence index was %(by)s lower in the second (%(second)s) than in the first (%(first)s).") % facts
    return _("The mean valence index was %(second)s in both.") % facts


def certainty(row: ComparisonRow) -> str:
    """Return the interval of a difference, and whether the difference may be due to chance."""
    interval = row.difference_interval
    if interval is None:
        return _("An interval needs at least three photos on each side.")
    ends = {"low": signed(interval.low), "high": signed(interval.high)}
    if not row.excludes_zero:
        return _("The 95%% interval of the difference, %(low)s to %(high)s, includes zero, so it may be due to chance.") % ends
    if row.stands_out:
        return _("The 95%% interval of the difference is %(low)s to %(high)s.") % ends
    return _("The 95%% interval of the difference is %(low)s to %(high)s. Visits vary more than the photos of one visit.") % ends
