"""What codes mean to people: why a photo was not read, what helps, and how a quality check is written."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

Text = str | Promise


@dataclass(frozen=True)
class Refusal:
    """Why a photo was not read, and what helps."""

    title: Text
    advice: Text


@dataclass(frozen=True)
class CheckFormat:
    """How one quality check is written: its name, its unit, and its limit as a text with %s for the number."""

    name: Text
    unit: str
    limit: Text
    places: int = 0
    scale: float = 1.0


EXPRESSION_NAMES = (
    gettext_noop("angry"),
    gettext_noop("disgust"),
    gettext_noop("fear"),
    gettext_noop("happy"),
    gettext_noop("sad"),
    gettext_noop("surprise"),
    gettext_noop("neutral"),
)
"""The seven expressions, marked for translators: templates translate the label itself."""

REFUSALS = {
    "no_face": Refusal(_("no face found"), _("Turn the face to the camera, near a window or a lamp, and take it again.")),
    "too_small": Refusal(_("face too small"), _("Step closer and take it again.")),
    "too_blurred": Refusal(_("too blurred"), _("Take it again, holding the phone still.")),
    "too_dark": Refusal(_("too dark"), _("Move to a window or switch on a light.")),
    "too_bright": Refusal(_("too bright"), _("Turn away from the window or the lamp.")),
    "turned_away": Refusal(_("face turned away"), _("Ask for a look into the camera and take it again.")),
    "cut_off": Refusal(_("face cut off"), _("Keep the whole face in the picture.")),
    "no_consent": Refusal(_("no consent"), _("The patient's consent to care was withdrawn before it was read.")),
    "photo_erased": Refusal(_("erased"), _("The picture was erased before it was read.")),
    "uncertain_face": Refusal(_("not surely a face"), _("Take away what covers the face, or choose another photo.")),
}
FAULT = Refusal(_("could not be read"), _("Something went wrong on our side. Retry, or tell your administrator."))
FAULTS = {
    "timed_out": Refusal(_("reading took too long"), _("Retry; if it happens again, use a smaller photo.")),
    "gave_up": Refusal(_("could not be read"), _("Three attempts failed. Retry later, or tell your administrator.")),
    "reader_fault": FAULT,
    "photo_missing": Refusal(_("file is missing"), _("Add the photo once more.")),
    "model_unavailable": Refusal(_("the model is not available"), _("Tell your administrator, then retry.")),
    "model_changed": Refusal(_("the model changed meanwhile"), _("Retry to see the newer reading.")),
}

CHECKS = {
    "too_small": CheckFormat(_("Face, height"), " px", _("%s px needed")),
    "too_blurred": CheckFormat(_("Sharpness"), "", _("%s needed"), places=2),
    "too_dark": CheckFormat(_("Light"), "", _("%s needed"), places=2, scale=1 / 255),
    "too_bright": CheckFormat(_("Light"), "", _("%s at most"), places=2, scale=1 / 255),
    "turned_away": CheckFormat(_("Turned"), "", _("%s at most"), places=2),
    "cut_off": CheckFormat(_("Cut off"), "%", _("%s%% at most"), scale=100),
    "uncertain_face": CheckFormat(_("Detector"), "", _("%s needed"), places=2),
}
"""The quality checks by the reason they give, in the order of the page."""


def reason_meanings() -> dict[str, Text]:
    """Return what each `reason` code of a photo means. “No face” is a state of its own, not a reason."""
    return {code: refused.title for code, refused in (REFUSALS | FAULTS).items() if code != "no_face"}


def refusal(reason: str) -> Refusal:
    """Return the texts for a reason code; those for a fault if the code has none."""
    return REFUSALS.get(reason) or FAULTS.get(reason, FAULT)
