"""Each purpose has a key of its own, and what was stored before is still found."""

import importlib
from typing import Any

import pytest
from django.apps import apps

from encryption.keys import derived, first_hash, keyed_hash, stored_hash
from patients.audit.chain import Fault, find_faults
from patients.models import AccessLog, ApiToken, Patient, Photo, User, Visit
from patients.models.access import FIRST_SEAL, pseudonym
from patients.photos.checks import sha_fingerprint
from tests.factories import make_photo

PURPOSES = ("record numbers", "files", "SHA-256 of files", "API keys", "seals of the access log", "secrets of phones", "notes")


def test_same_content_has_another_hash_for_each_purpose() -> None:
    hashes = {keyed_hash(purpose, b"R-77") for purpose in PURPOSES} | {stored_hash(purpose, b"R-77") for purpose in PURPOSES}
    assert len(hashes | {first_hash(b"R-77")}) == 2 * len(PURPOSES) + 1


def test_key_is_derived_as_rfc_5869_says() -> None:
    """Computed by hand, with HMAC alone."""
    import hashlib
    import hmac

    extracted = hmac.new(bytes(32), b"secret", hashlib.sha256).digest()
    assert derived(b"secret", "files") == hmac.new(extracted, b"affectline: files\x01", hashlib.sha256).digest()


@pytest.mark.django_db
def test_file_that_holds_what_another_purpose_hashes_gets_no_hash_of_it(ines: Patient) -> None:
    content = b"patient in the access log:" + ines.pk.bytes
    assert not stored_hash("files", content).startswith(pseudonym(ines.pk))


@pytest.mark.django_db
def test_what_was_stored_before_is_found_after_the_migration(visit: Visit, ada: User) -> None:
    patient, photo, key = visit.patient, make_photo(visit), ApiToken.issue(ada)
    sha256 = "ab" * 32
    erased = make_photo(visit)
    Photo.objects.filter(pk=erased.pk).update(fingerprint=f"erased {'0' * 32}")
    then = {"fingerprint": first_hash(b"the file"), "sha_fingerprint": first_hash(b"sha256:" + sha256.encode())}
    Photo.objects.filter(pk=photo.pk).update(**then)
    ApiToken.objects.update(key_hash=first_hash(key.encode()))
    number = patient.record_number.lower().encode()
    Patient.objects.filter(pk=patient.pk).update(record_number_hash=first_hash(number))
    importlib.import_module("patients.migrations.0114_a_key_for_each_hash").hash_again(apps, None)
    assert Photo.objects.get(fingerprint=stored_hash("files", b"the file")) == photo
    assert Photo.objects.get(sha_fingerprint=sha_fingerprint(sha256)) == photo
    assert Photo.objects.get(pk=erased.pk).fingerprint.startswith("erased ")
    found = ApiToken.find(key)
    assert found is not None
    assert found.clinician == ada
    assert Patient.objects.with_record_number(patient.record_number).get() == patient


def write_entries(is_former: list[bool]) -> None:
    """Write one entry for each of `is_former`, sealed as it was before or as it is now."""
    from django.utils import timezone

    seal, made = FIRST_SEAL, []
    for sequence, former in enumerate(is_former, start=1):
        entry = AccessLog(sequence=sequence, at=timezone.now(), action="view")
        entry.seal = seal = entry.sealed_after(seal, is_former=former)
        made.append(entry)
    AccessLog.objects.bulk_create(made)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("is_former", "faults"),
    [([True, True, False, False], []), ([False, False], []), ([True, False, True, False], [Fault(3, "changed")])],
)
def test_seals_of_before_hold_up_to_the_first_of_now(is_former: list[bool], faults: list[Any]) -> None:
    write_entries(is_former)
    assert list(find_faults()) == faults
