"""A study from its form to its mixed model, with a real worker and in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation

# Patients of their own, so that no consent of the demo's patients changes.
PEOPLE = """
from datetime import date, timedelta
from uuid import uuid4
import numpy as np
from django.utils import timezone
from inference.models import Prediction
from patients.models import Arm, Consent, Participation, Patient, Photo, Study, User, Visit
ada, study = User.objects.get(email="{email}"), Study.objects.get(name="Faces over weeks")
random = np.random.default_rng(3)
for k in range(12):
    patient = Patient.objects.create(name="Person %d" % k, record_number="STUDY-%d" % k, birth_date=date(1980, 1, 1))
    Consent.give(patient, "research", ada, on=date(2026, 1, 1))
    arm, number = study.arms.all()[k % 2], study.number_of(patient)
    Participation.objects.create(
        study=study, patient=patient, arm=arm, number=number, joined_on=date(2026, 1, 1), enrolled_by=ada
    )
    start, gain = random.normal(-0.3, 0.1), random.normal(0.05, 0.03)
    for j in range(5):
        visit = Visit.objects.create(patient=patient, date=date(2026, 1, 5) + timedelta(weeks=4 * j), created_by=ada)
        photo = Photo.objects.create(visit=visit, width=8, height=8, fingerprint=uuid4().hex, uploaded_by=ada)
        sad = float(min(0.9, max(0.01, -(start + gain * j + random.normal(0, 0.04)))))
        shares = dict(angry=0, disgust=0, fear=0, happy=0, surprise=0, sad=sad, neutral=1 - sad)
        Prediction.objects.create(photo=photo, state="done", model_version="1.0.0", finished_at=timezone.now(), **shares)
"""


@pytest.mark.slow("a worker loads statsmodels")
def test_study_is_created_and_a_worker_computes_its_model(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation, path="/studies/new/")
    page.get_by_label("Name", exact=True).fill("Faces over weeks")
    page.get_by_label("Ethics reference").fill("EC 2026/1")
    page.get_by_label("First visits from").fill("2026-01-01")
    page.get_by_label("New arm 1").fill("treatment")
    page.get_by_label("New arm 2").fill("waiting list")
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_text("No participants yet")).to_be_visible()
    installation.run(PEOPLE.format(email=installation.email))
    page.reload()
    expect(page.locator(".fgw .fg")).to_be_visible()
    page.locator("#model").get_by_role("button", name="Compute").click()
    # The card renews itself until a worker is done.
    expect(page.locator("#model")).to_contain_text("Start, waiting list", timeout=60_000)
    expect(page.locator("#model")).not_to_contain_text("Being computed")
