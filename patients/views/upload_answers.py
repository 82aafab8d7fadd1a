"""Answers to photo uploads, from a page of the record or from a phone."""

from collections.abc import Callable

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models import Photo
from patients.photos.codes import RejectedPhoto

Receive = Callable[[UploadedFile[bytes]], Photo]
"""Stores one file in a visit. Raises RejectedPhoto."""


def receive_one(
    files: list[UploadedFile[bytes]], receive: Receive, answer: Callable[[Photo], dict[str, object]], on_phone: bool = False
) -> JsonResponse:
    """Store the one file that a script sent. Return what `answer` says about the photo, or the refusal."""
    try:
        if len(files) != 1:
            raise RejectedPhoto("one_file")
        photo = receive(files[0])
    except RejectedPhoto as rejected:
        return answer_rejected(rejected, on_phone)
    return JsonResponse(answer(photo), status=201)


def answer_rejected(rejected: RejectedPhoto, on_phone: bool = False) -> JsonResponse:
    """Tell a script that its photo was refused."""
    return JsonResponse(rejected.as_json(on_phone), status=rejected.row.status, headers=rejected.headers)


def receive_all(request: HttpRequest, files: list[UploadedFile[bytes]], receive: Receive, on_phone: bool = False) -> None:
    """Store the files of a plain form. Messages say how many were added, and which were not: one for each reason.

    On a phone no file is named, because no one has signed in on it.
    """
    added, refused = 0, dict[str, list[str]]()
    for file in files:
        try:
            receive(file)
            added += 1
        except RejectedPhoto as rejected:
            refused.setdefault(rejected.message(on_phone), []).append(file.name or "–")
    for why, names in refused.items():
        text = _("Not added: %(why)s") if on_phone else _("Not added: %(file)s. %(why)s")
        messages.warning(request, text % {"file": ", ".join(names), "why": why})
    if added:
        messages.success(request, ngettext("%(n)d photo added.", "%(n)d photos added.", added) % {"n": added})
