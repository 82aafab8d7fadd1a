"""Erases a patient: the pictures, everything that identifies them, or everything. Every step is idempotent."""

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
from copy import copy
from datetime import date, timedelta
from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.models import Case, F, Value, When

from encryption import patient_keys
from encryption.fields import EncryptedBinaryField, EncryptedTextField, sealed_fields_of, sealed_values
from encryption.seal import SealBroken
from encryption.sealing import sealing_of
from encryption.watch import about_to_be_erased
from inference.models import Prediction
from patients.accounts.messages import EncryptedMessages, decrypt_messages
from patients.audit.log import Actor, record_access
from patients.consent.consent import stop_reading
from patients.consent.tombstones import leave
from patients.models import (
    AccessLog,
    Consent,
    Draft,
    ErasureRequest,
    Event,
    Outdated,
    Patient,
    Photo,
    SelfReport,
    Task,
    User,
    Visit,
)
from patients.models.formats import clinic_today
from patients.models.patient import record_number_hash
from patients.models.photo import PhotoQuerySet

log = logging.getLogger(__name__)

Level = ErasureRequest.Level
KEPT_WHEN_ANONYMISED: tuple[type[models.Model], ...] = (Visit, Photo, Prediction, SelfReport, Event)
"""The tables that an anonymised patient keeps. Rows of the patient in any other table are deleted."""
MAX_AGE_KEPT = 89  # years; above it an age alone can identify a person (HIPAA 164.514)
SHIFT_DAYS = 365
PORTION_SECONDS = 10
"""How long one task erases before it hands over to the next: it must end well before the time limit of a task."""
SHORT_TEXT = 4  # letters; a shorter text is part of many words
MARKS_PER_STATEMENT = 1000
IDS_PER_STATEMENT = 30  # each is a branch of one CASE; measured: more take longer, fewer make more statements


def ask_for_erasure(patient: Patient, level: str, by: User, who: Actor) -> ErasureRequest:
    """Return the request, due now. A task starts after commit; if the broker is down, the next scheduled run finds the row."""
    with transaction.atomic():
        request = ErasureRequest.queue(patient, level, by, ErasureRequest.Cause.REQUEST)
        if level != Level.IMAGES:
            stop_reading(patient, "photo_erased")
        record_access(who, AccessLog.Action.ERASE, patient, level=level, request=request.pk)
        transaction.on_commit(lambda: carry_out_erasures.delay(), robust=True)
    return request


@shared_task(soft_time_limit=settings.ERASE_TIME_LIMIT_SECONDS - 5, time_limit=settings.ERASE_TIME_LIMIT_SECONDS)
def carry_out_erasures() -> None:
    """Carry out what is due, ten seconds at a time. Runs after each request and every minute."""
    until = time.monotonic() + PORTION_SECONDS
    carry_out_due(until)
    if time.monotonic() > until:
        carry_out_erasures.delay()


def carry_out_due(until: float = math.inf) -> None:
    """Carry out every request that is due, until `until` (time.monotonic, in seconds)."""
    for done in ErasureRequest.objects.exclude(keys_of=None):  # a worker died right before
        forget(done)
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
    texts = identifying_texts(patient, request.level)  # now: they are erased with the rest
    end_identifying_sessions(texts)
    delete_identifying_drafts(texts, "" if request.level == Level.IMAGES else patient.record_number_hash)
    photos, erased_before = Photo.objects.filter(visit__patient=patient), request.photos_erased
    try:
        for photo in photos_to_erase(photos):
            erase_picture(photo)
            request.photos_erased += 1
            if time.monotonic() > until:
                break
    finally:
        request.save(update_fields=["photos_erased"])
    if request.photos_erased > erased_before and time.monotonic() > until:  # the last step gets the time of a whole task
        request.pause()
        return
    _finish(request, patient, photos)
    forget(request)
    truncate_wal()
    log.info("Erasure %d is done: %s, %d photos", request.pk, request.level, request.photos_erased)


def forget(request: ErasureRequest) -> None:
    """Note the erasure where a restored database finds it, and destroy the keys. Done twice, it is noted twice."""
    leave(request)
    request.forget_keys()


def _finish(request: ErasureRequest, patient: Patient, photos: PhotoQuerySet) -> None:
    """Do the last step of a request, in one transaction. The keys go after it: a rollback must leave a record that opens."""
    with transaction.atomic():
        lock_record(patient)
        Task.objects.about(patient).withdraw()
        request.photos_erased += erase_pictures(photos)  # those that arrived in the meantime
        _erase_the_rest(request, patient)
        request.finish()
        # Last: no one else can add an entry until we commit, and no page opens without one.
        record_access(request.asked_by, AccessLog.Action.ERASED, patient, level=request.level, photos=request.photos_erased)


def _erase_the_rest(request: ErasureRequest, patient: Patient) -> None:
    """Erase what else the request names, when the pictures are gone. Must run in a transaction."""
    ids = [
        patient.pk,
        *Photo.objects.filter(visit__patient=patient).values_list("pk", flat=True),
        *patient.visits.values_list("pk", flat=True),
    ]
    everything = ErasureRequest.objects.open().filter(patient=patient, level=Level.ALL)  # also one that another worker is at
    if request.level == Level.ANONYMISE and everything.exists():
        request.level = Level.ALL  # requested in the meantime: later, no one could find the rest
    if request.level == Level.ALL:
        Patient.objects.filter(pk=patient.pk).delete()  # not patient.delete(): the log entry below needs its id
    elif request.level == Level.ANONYMISE:
        anonymise(patient)
    else:
        patient_keys.renew_pictures(patient.pk)  # before the commit: a photo that waits for our locks gets the new key
    if request.level != Level.IMAGES:
        forget_ids(ids)
        request.patient, request.keys_of = None, patient.pk
        ErasureRequest.objects.filter(pseudonym=request.pseudonym).update(patient=None)


def lock_record(patient: Patient) -> None:
    """Lock the record against additions until the transaction ends.

    Storing a photo locks the consent (patients/photos/receive.py), giving a label locks the photo.
    """
    Patient.objects.select_for_update().get(pk=patient.pk)
    list(Consent.objects.select_for_update().filter(patient=patient))
    list(Photo.objects.select_for_update().filter(visit__patient=patient).only("pk"))


def with_pictures(photos: PhotoQuerySet) -> list[Photo]:
    """Return those of `photos` whose pictures are not erased yet."""
    return list(photos.exclude(image="").only("id", "image", "preview"))


def photos_to_erase(photos: PhotoQuerySet) -> Iterator[Photo]:
    """Yield the photos with pictures, each checked again just before: it may have been moved to another patient."""
    yield from (photo for photo in with_pictures(photos) if photos.filter(pk=photo.pk).exists())


def erase_pictures(photos: PhotoQuerySet) -> int:
    """Erase the pictures of `photos`; return how many had any."""
    found = with_pictures(photos)
    for photo in found:
        erase_picture(photo)
    return len(found)


def erase_picture(photo: Photo) -> None:
    """Erase the files, preview, crops and file name of one photo. Its numbers stay.

    The files go first: after a crash in between, the row still points to them.
    """
    for field in (photo.image, photo.preview):
        if field.name:
            field.storage.delete(field.name)
    with transaction.atomic():
        Prediction.objects.filter(photo=photo).drop("photo_erased")
        Prediction.objects.filter(photo=photo).update(**_empty_fields(Prediction, EncryptedBinaryField))
        Photo.objects.filter(pk=photo.pk).update(
            image="",
            preview="",
            image_sha256="",
            preview_sha256="",
            original_name="",
            taken_at=None,
            fingerprint=f"erased {uuid.uuid4().hex}",
            sha_fingerprint="",
        )


def anonymise(patient: Patient) -> None:
    """Leave numbers that cannot be traced back: new ids, all dates shifted alike, no names and no free text.

    Must run in a transaction, after `erase_pictures`: foreign keys hold again only at its end.
    """
    rows = list(tables_below(Patient, patient.pk))
    for model, ids in rows:
        if model not in KEPT_WHEN_ANONYMISED:
            model._default_manager.filter(pk__in=ids).delete()
    shift = timedelta(days=-1 - secrets.randbelow(SHIFT_DAYS))
    new_ids, numbers = dict[object, uuid.UUID](), _numbers(rows)
    for model, ids in rows:
        if model in KEPT_WHEN_ANONYMISED:
            these = model._default_manager.filter(pk__in=ids)
            these.update(**_empty_fields(model, EncryptedTextField, EncryptedBinaryField), **_shift_dates(model, shift))
            new_ids |= _give_new_ids(model, ids)
    for pages in (Visit, Event):
        pages._default_manager.filter(patient=patient).update(form_token=None)
    number = f"anonymous {secrets.token_hex(8)}"
    born = date(max(patient.birth_date.year, clinic_today().year - MAX_AGE_KEPT), 1, 1)
    ErasureRequest.objects.filter(patient=patient).update(patient=None)
    kept = copy(patient)  # the caller still needs the old id
    kept.pk = _give_new_ids(Patient, [patient.pk])[patient.pk]
    kept.name, kept.record_number, kept.birth_date, kept.sex = "", number, born, ""
    kept.created_at += shift
    kept.responsible = None
    patient_keys.find_or_make(kept.pk)
    kept.save(update_fields=["name", "record_number", "birth_date", "sex", "created_at", "responsible"])
    for model, pk, values in numbers:
        row = model._default_manager.select_related(*sealing_of(model).joins or (None,)).get(pk=new_ids.get(pk, pk))
        model._default_manager.filter(pk=row.pk).update(**sealed_values(row, **values))


def _numbers(rows: Iterable[tuple[type[models.Model], list[object]]]) -> list[tuple[type[models.Model], object, dict[str, object]]]:
    """Return what stays of the sealed fields, opened: all but texts and pictures. Their rows get new ids, and a new key."""
    found = []
    for model, ids in rows:
        names = [
            field.name for field in sealed_fields_of(model) if not isinstance(field, EncryptedTextField | EncryptedBinaryField)
        ]
        if names and model in KEPT_WHEN_ANONYMISED:
            kept = model._default_manager.filter(pk__in=ids).select_related(*sealing_of(model).joins or (None,))
            found += [(model, row.pk, {name: getattr(row, name) for name in names}) for row in kept]
    return found


def forget_ids(ids: Sequence[uuid.UUID]) -> None:
    """Remove the marks of outdated summaries that name one of `ids`. A patient who stays is marked under the new id as well."""
    for start in range(0, len(ids), MARKS_PER_STATEMENT):
        Outdated.objects.naming(ids[start : start + MARKS_PER_STATEMENT]).delete()


def tables_below(model: type[models.Model], *ids: object) -> Iterator[tuple[type[models.Model], list[object]]]:
    """Yield every table below `model` by cascade, with the ids of its rows that belong to rows `ids`; parents before children."""
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and getattr(relation, "on_delete", None) is models.CASCADE:
            child = relation.related_model
            assert not isinstance(child, str)
            found: list[object] = list(
                child._default_manager.filter(**{f"{relation.field.name}__in": ids}).values_list("pk", flat=True)
            )
            yield child, found
            yield from tables_below(child, *found)


def identifying_texts(patient: Patient, level: str) -> list[str]:
    """Return the texts that identify what is erased: file names and, unless only pictures go, the name, record number and ids."""
    photos = Photo.objects.filter(visit__patient=patient)
    texts = [
        _readable(photo, "original_name") for photo in photos.select_related("visit").only("original_name", "visit__patient_id")
    ]
    if level != Level.IMAGES:
        ids = [patient.pk, *photos.values_list("pk", flat=True), *patient.visits.values_list("pk", flat=True)]
        texts += [_readable(patient, "name"), _readable(patient, "record_number"), *map(str, ids)]
    return [text for text in texts if text]


def _readable(row: models.Model, name: str) -> str:
    """Return the text of a field; empty when it does not open: nothing else that opens can hold it."""
    try:
        with about_to_be_erased():
            return str(getattr(row, name))
    except SealBroken:
        return ""


def end_identifying_sessions(texts: Iterable[str]) -> int:
    """End the sessions that hold one of `texts`, for example in a message not shown yet. Their users sign in again."""
    store, ended = import_module(settings.SESSION_ENGINE).SessionStore(), 0
    identifying = pattern_of(texts)
    for session in Session.objects.iterator():
        if identifying.search(session_text(store.decode(session.session_data))):
            session.delete()
            ended += 1
    return ended


def delete_identifying_drafts(texts: Iterable[str], number_hash: str) -> None:
    """Delete drafts without a patient that hold one of `texts`, or the record number with that hash however it is written.

    For example, a draft of an emergency access that was never opened.
    """
    identifying = pattern_of(texts)
    for draft in Draft.objects.filter(patient=None).iterator():
        fields = json.loads(draft.fields)
        is_theirs = record_number_hash(str(fields.get("record_number", ""))) == number_hash
        if is_theirs or identifying.search("\n".join(map(str, fields.values()))):
            draft.delete()


def pattern_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of `texts`, ignoring case. Short texts and numbers match only as whole words: 17 not in 1750."""
    escaped = ((text, re.escape(text)) for text in texts)
    patterns = [rf"(?<!\w){each}(?!\w)" if len(text) < SHORT_TEXT or text.isdecimal() else each for text, each in escaped]
    return re.compile("|".join(patterns) or "(?!)", re.IGNORECASE)


def session_text(facts: Mapping[str, object]) -> str:
    """Return the content of a session as text, messages decrypted, without what sign-in itself keeps there."""
    messages = facts.get(EncryptedMessages.session_key)
    text = str({name: fact for name, fact in facts.items() if not name.startswith("_auth_") and not isinstance(fact, int)})
    with contextlib.suppress(SealBroken):
        return f"{text} {decrypt_messages(messages) if isinstance(messages, str) else ''}"
    return text


def truncate_wal() -> None:
    """SQLite: truncate the write-ahead log, which still holds old pages. Freed pages are overwritten (secure_delete)."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _empty_fields(model: type[models.Model], *kinds: type[models.Field]) -> dict[str, object]:  # type: ignore[type-arg]  # any field
    """Return the update that empties the fields of these kinds."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, kinds)]
    return {field.name: None if isinstance(field, models.BinaryField) else "" for field in fields}


def _shift_dates(model: type[models.Model], shift: timedelta) -> dict[str, object]:
    """Return the update that moves every date and time of `model` by `shift`."""
    return {field.name: F(field.name) + shift for field in model._meta.concrete_fields if isinstance(field, models.DateField)}


def _give_new_ids(model: type[models.Model], ids: Sequence[object]) -> dict[object, uuid.UUID]:
    """Replace UUIDs by new ones, in the rows and in the foreign keys to them, and return these. Numbered rows keep theirs.

    Many per statement: one by one, ten thousand photos would exceed the time limit of a task.
    """
    if not isinstance(model._meta.pk, models.UUIDField):
        return {}
    pointing = [
        (relation.related_model, relation.field.attname)
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ForeignObjectRel)
        and not isinstance(relation, models.ManyToManyRel)
        and relation.field.concrete
        and not relation.field.primary_key  # a summary: it was deleted
        and getattr(relation.field, "db_constraint", True)  # a mark: `forget_ids` removes it
    ]
    given = {old: uuid.uuid4() for old in ids}
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        new = {old: Value(given[old], models.UUIDField()) for old in ids[start : start + IDS_PER_STATEMENT]}
        for table, name in ((model, model._meta.pk.name), *pointing):
            assert not isinstance(table, str)
            cases = (When(**{name: old, "then": value}) for old, value in new.items())
            table._default_manager.filter(**{f"{name}__in": list(new)}).update(**{name: Case(*cases)})
    return given
