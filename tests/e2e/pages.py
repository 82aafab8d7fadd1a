"""All pages, found in the URL configuration, for the accessibility tests and the screenshots."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import BrowserContext

from tests.engines.installation import Installation

# The parts of addresses that are not the key of a row.
WORDS = {"purpose": "care", "face": "0", "code": "spent"}
# Not our pages, or pages that open only from a link in an e-mail, or with the provider that the demo does not have.
LEFT_OUT = (
    "api/",
    "healthz",
    "readyz",
    "metrics",
    "accounts/confirm-email/",
    "accounts/oidc/",
    "accounts/password/reset/key/",
    "accounts/2fa/webauthn/keys/",
)
ROWS = """
from django.db.models import Count
from patients.models import Arm, Event, Patient, PatientImport, Study, StudyMember, User
from patients.models.patient_import import FoundPatient
if not Event.objects.exists():
    patient = Patient.objects.annotate(n=Count("visits")).filter(n__lte=60).order_by("-n", "created_at")[0]
    days = patient.visits.earliest("date").date, patient.visits.latest("date").date
    at = lambda part: days[0] + (days[1] - days[0]) * part
    common = dict(patient=patient, created_by=User.objects.get(email="{email}"))
    Event.objects.create(kind="medication", label="Sertraline 50 mg", starts_on=at(0.2), goes_on=True, **common)
    Event.objects.create(kind="life_event", label="New job", starts_on=at(0.5), **common)
if not Study.objects.exists():
    lead = User.objects.get(email="{email}")
    study = Study.objects.create(name="Faces", ethics_reference="EC 1", starts_on="2026-01-01", fields=["expressions"], lead=lead)
    StudyMember.objects.create(study=study, person=lead, may_export=True, may_change=True)
    Arm.objects.create(study=study, name="treatment")
if not PatientImport.objects.exists():
    here = next(patient for patient in Patient.objects.all() if patient.record_number == "DEMO-1")
    batch = PatientImport(created_by=User.objects.get(email="{email}"), file_name="patients.csv")
    batch.found = [
        FoundPatient(2, "Zoë Müller", "M-4711", "1980-03-04", "female"),
        FoundPatient(3, here.name + "-Klein", "DEMO-1", str(here.birth_date), patient=str(here.pk)),
        FoundPatient(4, "Omar Haddad", "M-4712", "1980", code="birth_date"),
        FoundPatient(5, here.name, "demo-1", str(here.birth_date), code="twice"),
    ]
    batch.save()
"""
KEYS = """
import json
import re
import time
from django.apps import apps
from django.db.models import Count
from inference.models import Prediction
from patients.models import Patient, Photo
for _ in range(120):
    if not Prediction.objects.filter(state__in=["queued", "running"]).exists():
        break
    time.sleep(1)
patient = Patient.objects.annotate(n=Count("visits")).filter(n__lte=60).order_by("-n", "created_at")[0]
photos = Photo.objects.filter(visit__patient=patient).order_by("-visit__date", "uploaded_at")
photo = photos.filter(predictions__state="done").first() or photos[0]
visit = photo.visit
keys = dict()
for model in apps.get_models():
    first = model._base_manager.order_by("pk").first()
    words = re.sub("(?<!^)(?=[A-Z])", "_", model.__name__).lower()
    keys[words + "_id"] = str(first.pk) if first else None
keys |= dict(break_glass_id=keys["break_glass_id"])
keys |= dict(patient_id=str(patient.pk), visit_id=str(visit.pk), photo_id=str(photo.pk))
print(json.dumps(keys))
"""


@dataclass(frozen=True)
class Address:
    """One page: the name of its address, and its path."""

    name: str
    path: str


def addresses(installation: Installation) -> list[Address]:
    """Return the path of every address, filled with rows of the demo patient with the most visits.

    Raises AssertionError for an address with a part that no row and no entry above can fill.
    """
    installation.run(ROWS.format(email=installation.email))
    keys = json.loads(installation.run(KEYS))
    return list(_filled(keys | WORDS))


def pages_by_role(installation: Installation, contexts: dict[str, BrowserContext]) -> dict[str, list[Address]]:
    """Return the addresses of whole pages, each under the first role that may open it."""
    found: dict[str, list[Address]] = {role: [] for role in contexts}
    for address in addresses(installation):
        role = next((role for role, context in contexts.items() if _is_page(context, address)), None)
        if role is not None:
            found[role].append(address)
    return found


def _is_page(context: BrowserContext, address: Address) -> bool:
    answer = context.request.get(address.path, max_redirects=0, headers={"X-Background": "1"})
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status == 200 and is_html and "<html" in answer.text()[:400]


def _filled(keys: dict[str, str | None]) -> Iterator[Address]:
    seen = set()
    for name, pattern in _patterns(get_resolver().url_patterns):
        if pattern.startswith(LEFT_OUT):
            continue
        path, asked = f"/{pattern}", [part.split(">")[0].split(":")[-1] for part in pattern.split("<")[1:]]
        assert set(asked) <= set(keys), f"{pattern} asks for something new: say in tests/e2e/pages.py what stands for it"
        for part, word in zip(pattern.split("<")[1:], asked, strict=True):
            path = path.replace(f"<{part.split('>')[0]}>", keys[word] or "")
        if all(keys[word] for word in asked) and path not in seen:
            seen.add(path)
            yield Address(name, path)


def _patterns(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        whole = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, whole)
        else:
            yield pattern.name or "", whole.replace("^", "").replace("$", "")
