"""A form that is sent twice, by a second click or by a browser that tries again, is carried out once."""

from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from patients.forms.conflicts import ConflictCheckedForm
from patients.models import Event, Patient, Visit

Row = TypeVar("Row", Visit, Event)

SAME_WITHIN = timedelta(seconds=10)
"""How long the same words from the same person are the same request, where the form does not say which page it came from."""


def save_once(form: ConflictCheckedForm[Row], token: str) -> tuple[Row, bool]:
    """Return the new row of a valid form, or the one that the same form made before; and whether it is new.

    `token` was given to the page of the form (`form_token`). Sent again with other words, the form makes another row.
    """
    row, page = form.instance, uuid_in(token)
    with transaction.atomic():
        # Requests for one patient go one after the other: the second finds what the first made.
        Patient.objects.select_for_update(no_key=True).get(pk=row.patient_id)
        own = type(row)._default_manager.filter(patient=row.patient_id, created_by=row.created_by_id)
        of_page = list(own.filter(form_token=page)) if page else []
        rows = of_page if page else own.filter(form_token=None, created_at__gt=timezone.now() - SAME_WITHIN)
        for earlier in rows:
            if all(getattr(earlier, name) == getattr(row, name) for name in form.fields):
                return earlier, False
        row.form_token = None if of_page else page
        return form.save(), True


def uuid_in(text: str) -> UUID | None:
    """Return the id that a request names as text; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None
