"""Erases a patient: the pictures, everything that names them, or everything. Every step may be done twice."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
import secrets
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from importlib import import_module

from celery import shared_task
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.models import Case, F, Value, When

from encryption.fields import EncryptedBinaryField, EncryptedTextField
from inference.models import Prediction
from patients.accounts.messages import SealedNotices, opened
from patients.audit.log import Actor, record_access
from patients.consent.consent import stop_reading
from patients.formats import clinic_today
from patients.models import AccessLog, Consent, Draft, ErasureRequest, Event, Patient, Photo, SelfReport, User, Visit
from patients.models.patient import record_number_hash
from patients.models.photo import PhotoQuerySet

log = logging.getLogger(__name__)

Level = ErasureRequest.Level
KEPT_WITHOUT_NAME: tuple[type[models.Model], ...] = (Visit, Photo, Prediction, SelfReport, Event)
"""What stays of an anonymised patient. Rows of any other table that belong to the patient are deleted."""
OLDEST_AGE_SAID = 89  # years; above it an age alone can name a person (HIPAA 164.514)
SHIFT_DAYS = 365
PORTION_SECONDS = 10
"""How long one task erases before it leaves the rest to the next: the time limit of a task must never end it halfway."""
SHORT = 4  # letters; below, a word is part of many others
IDS_AT_ONCE = 30  # each is a branch of one CASE: more at once take longer, fewer make more statements


def ask_for_erasure(patient: Patient, level: str, by: User, who: Actor) -> ErasureRequest:
    """Return the request, due now. A worker is woken after commit; with the broker down the next round finds the row."""
    with transaction.atomic():
        request = ErasureRequest.queue(patient, level, by, ErasureRequest.Cause.REQUEST)
        if level != Level.IMAGES:
            stop_reading(patient, "photo_erased")
        record_access(who, AccessLog.Action.ERASE, patient, level=level, request=request.pk)
        transaction.on_commit(lambda: carry_out_erasures.delay(), robust=True)
    return request


@shared_task(soft_time_limit=settings.ERASE_TIME_LIMIT_SECONDS - 5, time_limit=settings.ERASE_TIME_LIMIT_SECONDS)
def carry_out_erasures() -> None:
    """Carry out what is due, a portion at a time. Runs after each request and every minute."""
    until = time.monotonic() + PORTION_SECONDS
    carry_out_due(until)
    if time.monotonic() > until:
        carry_out_erasures.delay()


def carry_out_due(until: float = math.inf) -> None:
    """Carry out every request that is due, as far as one gets before `until` (of time.monotonic, seconds)."""
    for pk in list(ErasureRequest.objects.due().values_list("pk", flat=True)):
        request = ErasureRequest.objects.claim(pk)
        if request is not None:
            carry_out(request, until)
        if time.monotonic() > until:
            return


def carry_out(request: ErasureRequest, until: float = math.inf) -> None:
    """Do what the request asks for and note that it is done, or pause at `until`. Run again it goes on where it was."""
    patient = request.patient
    if patient is None:  # a crash came after the last step and before the note
        request.finish()
        return
    words = telling_words(patient, request.level)
    end_sessions_that_tell(words)  # first: afterwards nobody knows the words
    forget_drafts_that_tell(words, "" if request.level == Level.IMAGES else patient.record_number_hash)
    photos, erased_before = Photo.objects.filter(visit__patient=patient), request.photos_erased
    try:
        for photo in still_theirs(photos):
            erase_picture(photo)
            request.photos_erased += 1
            if time.monotonic() > until:
                break
    finally:
        request.save(update_fields=["photos_erased"])
    if request.photos_erased > erased_before and time.monotonic() > until:  # the last step gets the time of a whole task
        request.pause()
        return
    with transaction.atomic():
        hold(patient)
        request.photos_erased += erase_pictures(photos)  # those that arrived meanwhile
        everything = ErasureRequest.objects.open().filter(patient=patient, level=Level.ALL)  # also one that another worker has
        if request.level == Level.ANONYMISE and everything.exists():
            request.level = Level.ALL  # asked for meanwhile: afterwards nobody could find what is left
        if request.level == Level.ALL:
            Patient.objects.filter(pk=patient.pk).delete()  # not patient.delete(): the entry below needs its id
        elif request.level == Level.ANONYMISE:
            anonymise(patient)
        if request.level != Level.IMAGES:
            request.patient = None
            ErasureRequest.objects.filter(pseudonym=request.pseudonym).update(patient=None)
        request.finish()
        # Last: until we commit, no one else can add an entry, and so no one can open a page.
        record_access(request.asked_by, AccessLog.Action.ERASED, patient, level=request.level, photos=request.photos_erased)
    forget_freed_pages()
    log.info("Erasure %d is done: %s, %d photos", request.pk, request.level, request.photos_erased)


def hold(patient: Patient) -> None:
    """Let nothing be added to the patient until our transaction ends.

    Every photo is stored under its patient's consent (patients/photos/receive.py), and every label under its photo.
    """
    Patient.objects.select_for_update().get(pk=patient.pk)
    list(Consent.objects.select_for_update().filter(patient=patient))
    list(Photo.objects.select_for_update().filter(visit__patient=patient).only("pk"))


def with_pictures(photos: PhotoQuerySet) -> list[Photo]:
    """Return those of `photos` whose pictures were not erased yet."""
    return list(photos.exclude(image="").only("id", "image", "preview"))


def still_theirs(photos: PhotoQuerySet) -> Iterator[Photo]:
    """Yield those that have pictures, and asked for again are still among `photos`: others may be moved away meanwhile."""
    yield from (photo for photo in with_pictures(photos) if photos.filter(pk=photo.pk).exists())


def erase_pictures(photos: PhotoQuerySet) -> int:
    """Erase the pictures of `photos`; return how many had any."""
    found = with_pictures(photos)
    for photo in found:
        erase_picture(photo)
    return len(found)


def erase_picture(photo: Photo) -> None:
    """Erase the files, previews, crops and the file name of one photo. The numbers stay.

    Files go before their row says so: after a crash in between the row still leads to them.
    """
    for field in (photo.image, photo.preview):
        if field.name:
            field.storage.delete(field.name)
    with transaction.atomic():
        Prediction.objects.filter(photo=photo).drop("photo_erased")
        Prediction.objects.filter(photo=photo).update(**_emptied(Prediction, EncryptedBinaryField))
        Photo.objects.filter(pk=photo.pk).update(
            image="", preview="", original_name="", taken_at=None, fingerprint=f"erased {uuid.uuid4().hex}"
        )


def anonymise(patient: Patient) -> None:
    """Leave numbers that nobody can lead back: new ids, one shift for all days, no names, no words that people wrote.

    Must run in a transaction, after `erase_pictures`: rows point at each other again only at its end.
    """
    rows = list(tables_below(Patient, patient.pk))
    for model, ids in rows:
        if model not in KEPT_WITHOUT_NAME:
            model._default_manager.filter(pk__in=ids).delete()
    shift = timedelta(days=-1 - secrets.randbelow(SHIFT_DAYS))
    for model, ids in rows:
        if model in KEPT_WITHOUT_NAME:
            kept = model._default_manager.filter(pk__in=ids)
            kept.update(**_emptied(model, EncryptedTextField, EncryptedBinaryField), **_shifted(model, shift))
            _give_new_ids(model, ids)
    number = f"anonymous {secrets.token_hex(8)}"
    born = date(max(patient.birth_date.year, clinic_today().year - OLDEST_AGE_SAID), 1, 1)
    patient.name, patient.record_number, patient.birth_date = "", number, born
    patient.created_at += shift
    patient.save(update_fields=["name", "record_number", "birth_date", "created_at"])
    ErasureRequest.objects.filter(patient=patient).update(patient=None)
    _give_new_ids(Patient, [patient.pk])


def tables_below(model: type[models.Model], *ids: object) -> Iterator[tuple[type[models.Model], list[object]]]:
    """Yield every table whose rows go when rows `ids` of `model` go, with the ids of those rows; parents before children."""
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and getattr(relation, "on_delete", None) is models.CASCADE:
            child = relation.related_model
            assert not isinstance(child, str)
            found: list[object] = list(
                child._default_manager.filter(**{f"{relation.field.name}__in": ids}).values_list("pk", flat=True)
            )
            yield child, found
            yield from tables_below(child, *found)


def telling_words(patient: Patient, level: str) -> list[str]:
    """Return the words that lead to what is erased: names of files, and beyond pictures also name, record number and ids."""
    photos = Photo.objects.filter(visit__patient=patient)
    words = list(photos.values_list("original_name", flat=True))
    if level != Level.IMAGES:
        ids = [patient.pk, *photos.values_list("pk", flat=True), *patient.visits.values_list("pk", flat=True)]
        words += [patient.name, patient.record_number, *map(str, ids)]
    return [word for word in words if word]


def end_sessions_that_tell(words: Iterable[str]) -> int:
    """End the sessions that hold one of `words`, in a message not yet shown for example. Whose they are signs in again."""
    store, ended = import_module(settings.SESSION_ENGINE).SessionStore(), 0
    telling = any_of(words)
    for session in Session.objects.iterator():
        if telling.search(told_by(store.decode(session.session_data))):
            session.delete()
            ended += 1
    return ended


def forget_drafts_that_tell(words: Iterable[str], number_hash: str) -> None:
    """Delete the drafts of pages of no patient that hold one of `words`, or the record number of that hash however it is written.

    Such is an emergency access that was asked for and never opened.
    """
    telling = any_of(words)
    for draft in Draft.objects.filter(patient=None).iterator():
        fields = json.loads(draft.fields)
        is_theirs = record_number_hash(str(fields.get("record_number", ""))) == number_hash
        if is_theirs or telling.search("\n".join(map(str, fields.values()))):
            draft.delete()


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds one of `words` in any case; a short one, or a number, only as a whole: 17 is not told by a 1750."""
    patterns = [rf"(?<!\w){re.escape(word)}(?!\w)" if len(word) < SHORT or word.isdecimal() else re.escape(word) for word in words]
    return re.compile("|".join(patterns) or "(?!)", re.IGNORECASE)


def told_by(facts: Mapping[str, object]) -> str:
    """Return what a session holds, with its notices opened; without what only says who is signed in and since when."""
    notices = facts.get(SealedNotices.session_key)
    told = str({name: fact for name, fact in facts.items() if not name.startswith("_auth_") and not isinstance(fact, int)})
    with contextlib.suppress(InvalidToken):
        return f"{told} {opened(notices) if isinstance(notices, str) else ''}"
    return told


def forget_freed_pages() -> None:
    """SQLite: take what the log of the database still holds of old pages. Freed pages were overwritten (secure_delete)."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _emptied(model: type[models.Model], *kinds: type[models.Field]) -> dict[str, object]:  # type: ignore[type-arg]  # any field
    """Return what empties the fields of these kinds in an update."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, kinds)]
    return {field.name: None if isinstance(field, models.BinaryField) else "" for field in fields}


def _shifted(model: type[models.Model], shift: timedelta) -> dict[str, object]:
    """Return what moves every day and moment of `model` by `shift` in an update."""
    return {field.name: F(field.name) + shift for field in model._meta.concrete_fields if isinstance(field, models.DateField)}


def _give_new_ids(model: type[models.Model], ids: Sequence[object]) -> None:
    """Replace random ids by new ones, in the rows and in all that point at them; numbered rows keep theirs.

    Many in one statement: one by one, a record of ten thousand photos would not fit into the time limit of a task.
    """
    if not isinstance(model._meta.pk, models.UUIDField):
        return
    pointing = [
        (relation.related_model, relation.field.attname)
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ForeignObjectRel)
        and not isinstance(relation, models.ManyToManyRel)
        and relation.field.concrete
    ]
    for start in range(0, len(ids), IDS_AT_ONCE):
        new = {old: Value(uuid.uuid4(), models.UUIDField()) for old in ids[start : start + IDS_AT_ONCE]}
        for table, name in ((model, model._meta.pk.name), *pointing):
            assert not isinstance(table, str)
            cases = (When(**{name: old, "then": value}) for old, value in new.items())
            table._default_manager.filter(**{f"{name}__in": list(new)}).update(**{name: Case(*cases)})
