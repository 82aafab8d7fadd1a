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
    "no_face": Refusal(_("no face found"), _("Turn the face to the camera, in good light, and retake the photo.")),
    "too_small": Refusal(_("face too small"), _("Move closer and retake the photo.")),
    "too_blurred": Refusal(_("too blurred"), _("Hold the camera still and retake the photo.")),
    "too_dark": Refusal(_("too dark"), _("Move to a window or turn on a light.")),
    "too_bright": Refusal(_("too bright"), _("Turn away from the window or the lamp.")),
    "turned_away": Refusal(_("face turned away"), _("Ask the patient to face the camera and retake the photo.")),
    "cut_off": Refusal(_("face cut off"), _("Keep the whole face in the picture.")),
    "no_consent": Refusal(_("no consent"), _("Consent to care was withdrawn before the photo was analysed.")),
    "photo_erased": Refusal(_("erased"), _("The picture was erased before it was analysed.")),
    "uncertain_face": Refusal(_("may not be a face"), _("Uncover the face, or choose another photo.")),
}
FAULT = Refusal(_("could not be analysed"), _("Something went wrong. Retry, or tell your administrator."))
FAULTS = {
    "timed_out": Refusal(_("analysis took too long"), _("Retry; if it happens again, use a smaller photo.")),
    "gave_up": Refusal(_("could not be analysed"), _("Three attempts failed. Retry later, or tell your administrator.")),
    "reader_fault": FAULT,
    "photo_missing": Refusal(_("file is missing"), _("Add the photo again.")),
    "photo_damaged": Refusal(_("file is damaged"), _("Add the photo again.")),
    "photo_not_authentic": Refusal(
        _("file is not that of this photo"), _("Do not use the photo. Tell your administrator at once.")
    ),
    "model_unavailable": Refusal(_("the model is not available"), _("Tell your administrator, then retry.")),
    "model_changed": Refusal(_("the model has changed"), _("Retry to analyse it with the new model.")),
}

CHECKS = {
    "too_small": CheckFormat(_("Face height"), " px", _("%s px needed")),
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
