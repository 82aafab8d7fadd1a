"""The answers behind the small question marks: what a number on a page means, and what it does not."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Help:
    """A question as a clinician would ask it, and its answer."""

    question: Text
    answer: Text


ANSWERS = {
    "valence": Help(
        _("What is the valence index?"),
        _(
            "The share of happy minus the shares of angry, disgust, fear and sad, from −1 to 1. It sums up what the faces on the "
            "photos resemble; it does not say how the patient feels. Surprise and neutral count on neither side."
        ),
    ),
    "baseline": Help(
        _("What is the usual range?"),
        _(
            "The patient’s own range, not a norm: the mean of the baseline visits, give or take 2.66 times the mean step from one "
            "visit to the next. A visit outside it deserves a look at its photos. It rests on the first eight visits unless you "
            "choose others."
        ),
    ),
    "interval": Help(
        _("What is a 95% interval?"),
        _(
            "How far the mean could have moved with other photos of the same visit, as drawing its photos again 2000 times tells. "
            "With eight photos or more it holds the true mean in 92 to 95 of 100 such visits. Of three photos it reaches from the "
            "smallest to the largest, and holds it in about three of four. Below three photos there is none."
        ),
    ),
    "raters": Help(
        _("Who are these ten raters?"),
        _(
            "Nobody who saw this photo. The model learned from faces that ten people each had named, and its shares are calibrated "
            "on such faces: where it says 7 of 10, about seven of ten people who name one of the seven expressions agree. Answers "
            "that only one of them gives are not counted, as they were not in what it learned: of all ten it is somewhat less. "
            "When no answer has enough support, the photo is too close to call; it is kept and not counted."
        ),
    ),
    "self_report": Help(
        _("What do these scales say?"),
        _(
            "Mood is the patient’s own answer from 0, low, to 10, high. PHQ-9 goes from 0 to 27 and GAD-7 from 0 to 21; on both a "
            "higher total means more symptoms. Only totals are kept, and they can be drawn over the timeline."
        ),
    ),
    "seven": Help(
        _("Which view answers which question?"),
        _(
            "Stacked bars show at a glance what a visit was made of. Seven small strips show each expression by itself with its "
            "interval, all on one scale: there a change can be judged."
        ),
    ),
    "difference": Help(
        _("When is a difference more than chance?"),
        _(
            "When both sides have eight visits or more and the interval of the difference leaves out zero: then it is set "
            "bold. With fewer visits the interval only tells how the photos of these days scatter, and days differ more than "
            "that: look at the usual range. Eight differences are shown at once, so one may be bold by chance. A change of the "
            "model, the light or the camera can make a difference too."
        ),
    ),
}
