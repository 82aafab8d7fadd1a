"""The reasons to refuse a photo: one row per code, for the page, the phone, the API, the scripts and the docs."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from patients.models.formats import day


@dataclass(frozen=True)
class UploadCode:
    """One reason to refuse a photo, and what each client needs to know about it."""

    code: str
    status: int
    """The HTTP status for a script or a program. A plain form is redirected to a page that shows the sentence."""
    sentence: str | Promise
    """What happened. A placeholder such as `%(width)s` is a detail of the refusal, or a limit from `RejectedPhoto.message`."""
    helps: str | Promise = ""
    """What the user can do; empty where nothing needs to be done."""
    may_retry: bool = False
    """Whether the same file may be accepted later: the scripts keep it, and offer to send it again."""
    to_whom_may_know: str | Promise = ""
    """What is said in place of `sentence` where the detail names a patient: only to someone who sees that patient."""
    retry_after_seconds: int = 0
    """When a script should send the file again by itself; 0 where a person decides."""
    on_phone: str | Promise = ""
    """What a phone shows instead of `sentence` when that would reveal something about the patient: no user is signed in on it."""


_TABLE = (
    UploadCode(
        "over",
        410,
        _("This phone can add no more photos to the visit."),
        _("Scan a new code on the visit’s page to go on."),
        may_retry=True,
    ),
    UploadCode("one_file", 400, _("A request can contain only one photo."), _("Send one photo at a time.")),
    UploadCode(
        "no_consent",
        409,
        _("The patient has not consented to photos for their care."),
        _("Record the consent, then add the photo."),
    ),
    UploadCode("too_large", 413, _("The file is larger than %(max_megabytes)s MB."), _("Send a smaller version.")),
    UploadCode("visit_full", 409, _("This visit is full: it has %(most)s photos."), _("Add the photo to another visit.")),
    UploadCode(
        "day_full",
        429,
        _("You have reached the limit of %(most)s photos in 24 hours."),
        _("Continue tomorrow, or ask an administrator."),
    ),
    UploadCode("empty", 422, _("The file is empty."), _("Take or export the photo again.")),
    UploadCode("unsupported_format", 422, _("This is not a JPEG, PNG, WebP, HEIC or AVIF picture."), _("Export it as JPEG.")),
    UploadCode("duplicate_in_visit", 409, _("This photo is already in this visit.")),
    UploadCode(
        "duplicate_in_patient",
        409,
        _("This photo is already in the visit of %(date)s."),
        _("Keep it here as well, or skip it."),
        on_phone=_("This photo is already in another visit."),
    ),
    UploadCode(
        "duplicate_in_other_patient",
        409,
        _("This photo is also in another patient’s visit. Is this the right patient?"),
        _("Keep it here as well, or skip it."),
        to_whom_may_know=_("This photo is also in the visit of %(name)s on %(date)s. Is this the right patient?"),
        on_phone=_("This photo is also in another patient’s visit. Is this the right patient?"),
    ),
    UploadCode(
        "busy",
        503,
        _("Too many photos are arriving at once."),
        _("Try this one again in a moment."),
        may_retry=True,
        retry_after_seconds=2,
    ),
    UploadCode(
        "too_many_scans",
        422,
        _("This picture takes too long to open."),
        _("Export it again as JPEG."),
    ),
    UploadCode(
        "too_many_pixels",
        422,
        _("The picture is %(width)s × %(height)s pixels; the limit for this format is %(most)s megapixels."),
        _("Export a smaller version, or a JPEG."),
    ),
    UploadCode(
        "side_too_long",
        422,
        _("The picture is %(width)s × %(height)s pixels; no side can be longer than %(most)s pixels."),
        _("Crop it, or export a smaller version."),
    ),
    UploadCode("animated", 422, _("The picture is animated."), _("Send a single photo.")),
    UploadCode("unreadable", 422, _("The picture is damaged and cannot be opened."), _("Take or export it again.")),
    UploadCode(
        "decoder_crashed",
        422,
        _("The picture could not be opened safely."),
        _("Export it again as JPEG."),
    ),
    UploadCode(
        "not_confined",
        503,
        _("This server cannot open photos safely."),
        _("Keep the photo, and tell your administrator."),
        may_retry=True,
    ),
    UploadCode("decoder_timeout", 422, _("Opening the picture took too long."), _("Export it again as JPEG.")),
    UploadCode(
        "not_stored",
        503,
        _("The photo could not be stored: the disk is full or cannot be written to."),
        _("Keep the photo, and tell your administrator."),
        may_retry=True,
    ),
    UploadCode("visit_gone", 410, _("This visit has been deleted."), _("Add the photo to another visit.")),
)

CODES = {row.code: row for row in _TABLE}
"""The rows by code, in the order in which an upload meets them."""


class RejectedPhoto(Exception):
    """A photo was refused. `row` is the row of its code in CODES, `detail` holds the measured facts."""

    def __init__(self, code: str, **detail: object) -> None:
        super().__init__(code)
        self.row = CODES[code]
        self.detail = detail

    @property
    def code(self) -> str:
        """The name of the reason."""
        return self.row.code

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an answer to a script or a program: when to send the file again, where that helps."""
        return {"Retry-After": str(self.row.retry_after_seconds)} if self.row.retry_after_seconds else {}

    def message(self, on_phone: bool = False) -> str:
        """Return what a person reads: what happened, and what helps."""
        happened = self.row.sentence
        if on_phone and self.row.on_phone:
            happened = self.row.on_phone
        elif "name" in self.detail:
            happened = self.row.to_whom_may_know
        detail = dict(self.detail)
        if "date" in detail:
            detail["date"] = day(date.fromisoformat(str(detail["date"])))
        detail["max_megabytes"] = settings.PHOTO_MAX_BYTES // 1_000_000
        return f"{happened} {self.row.helps}".strip() % detail

    def as_json(self, on_phone: bool = False) -> dict[str, object]:
        """Return the error for a script or a program: code, message, and whether to retry."""
        return {"code": self.code, "message": self.message(on_phone), "retry": self.row.may_retry}
