"""Notes are saved only over words that whoever saves them has seen."""

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from inference.encryption import keyed_hash
from patients.models import Photo, Visit

CHANGED_MEANWHILE = _("Changed meanwhile. Your words are still here; copy them, then load the page again.")


def version_of(note: str) -> str:
    """Return what names these very words, however a browser ends their lines. It cannot be turned back."""
    return keyed_hash(b"note:" + "\n".join(note.strip().splitlines()).encode())[:16]


def is_changed_meanwhile(row: Visit | Photo, sent: QueryDict) -> bool:
    """Whether the note is no longer what the form was loaded with. Nobody else changes it until our transaction ends.

    What the page itself sent last (`sent`) it knows as well: the answer to that may have been lost. A form that does not say what
    it was loaded with changes the note as ever.
    """
    if "loaded" not in sent:
        return False
    stored = type(row)._default_manager.select_for_update().filter(pk=row.pk).values_list("note", flat=True).get()
    own = {version_of(str(sent[name])) for name in ("note", "sent") if name in sent}
    return version_of(stored) not in own | {sent["loaded"]}
