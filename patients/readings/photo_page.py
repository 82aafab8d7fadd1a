"""What the page of one photo shows."""

from inference.dispatch import current_model_version
from patients.care.banner import banner_of
from patients.forms.note import PhotoNoteForm
from patients.models import Photo, User
from patients.readings.label_card import label_card
from patients.readings.photo_card import card_of


def photo_page(photo: Photo, user: User, note_form: PhotoNoteForm | None = None) -> dict[str, object]:
    """Return what the page of the photo shows."""
    order = list(photo.visit.photos.order_by("uploaded_at", "id").values_list("pk", flat=True))
    at = order.index(photo.pk)
    banner = banner_of(photo.visit.patient)
    return banner | {
        "card": card_of(photo),
        "current_model": current_model_version(),
        "labels": label_card(photo, user),
        "photo": photo,
        "may_be_read": banner["care_since"] is not None,
        "visit": photo.visit,
        "number": at + 1,
        "total": len(order),
        "previous_id": order[at - 1] if at else None,
        "next_id": order[at + 1] if at + 1 < len(order) else None,
        "note_form": note_form or PhotoNoteForm(instance=photo),
    }
