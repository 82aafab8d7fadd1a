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
            "The share of happy minus the shares of angry, disgust, fear and sad, from −1 to 1. Surprise and neutral do not count. "
            "It describes the faces on the photos, not how the patient feels."
        ),
    ),
    "baseline": Help(
        _("What is the usual range?"),
        _(
            "This patient’s own range, not a norm: the mean of the baseline visits ± 2.66 times the mean change from one to the "
            "next. The first eight visits are the baseline unless you choose others."
        ),
    ),
    "interval": Help(
        _("What is a 95% interval?"),
        _(
            "How far the mean could move with other photos of the same visit. From eight photos on it holds the true mean in 92 to "
            "95 of 100 visits, from three in about three of four. Below three photos there is none."
        ),
    ),
    "raters": Help(
        _("Who are these ten raters?"),
        _(
            "No one who saw this photo. The model learned from faces that ten people each had named: where it says 7 of 10, about "
            "seven of ten people agree on such faces. Answers that only one of the ten gives are not counted. Raters call most "
            "weak expressions neutral, so look at the second expression too."
        ),
    ),
    "mixed_model": Help(
        _("What is a mixed-effects model?"),
        _(
            "It estimates where each arm starts and how it changes, and lets every person have a start and a change of their own. "
            "People with few or irregular visits count too. An interval that holds 0 is compatible with no difference."
        ),
    ),
    "within_person": Help(
        _("What is a within-person correlation?"),
        _(
            "Whether two measures move together from visit to visit in the same person. 1 and −1 are perfect, 0 is none. It says "
            "nothing about differences between people, and nothing about causes."
        ),
    ),
    "self_report": Help(
        _("What do these scales say?"),
        _(
            "The patient’s own answers. Mood: 0 (low) to 10 (high). PHQ-9 (0 to 27) and GAD-7 (0 to 21): a higher total means more "
            "symptoms. Only totals are kept."
        ),
    ),
    "seven": Help(
        _("Which view answers which question?"),
        _(
            "Stacked bars show what each visit was made of. Separate strips show each expression with its interval, all on one "
            "scale, so that you can judge a change."
        ),
    ),
    "difference": Help(
        _("When is a difference more than chance?"),
        _(
            "When both sides have eight visits or more and the interval excludes zero: then it is bold. With fewer visits the "
            "interval covers the photos only, and visits vary more: look at the usual range. A new model, other light or another "
            "camera can also make a difference."
        ),
    ),
}
