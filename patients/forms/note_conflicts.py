"""Notes are saved only over words that whoever saves them has seen."""

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from encryption.fields import keyed_hash
from patients.models import Photo, Visit

CHANGED_MEANWHILE = _("Changed meanwhile. Your words are still here; copy them, then load the page again.")

MOST_SENT = 8
"""Words without an answer that a page sends along with a note; static/js/saving.js keeps as many."""


def version_of(note: str) -> str:
    """Return what names these very words, however a browser ends their lines. It cannot be turned back."""
    return keyed_hash(b"note:" + "\n".join(note.strip().splitlines()).encode())[:16]


def is_changed_meanwhile(row: Visit | Photo, sent: QueryDict) -> bool:
    """Whether the note is no longer what the form was loaded with. Nobody else changes it until our transaction ends.

    What the page itself sent and got no answer to (`sent`, once for each) it knows as well: any of it may have been saved. A form
    that does not say what it was loaded with changes the note as ever.
    """
    if "loaded" not in sent:
        return False
    stored = type(row)._default_manager.select_for_update().filter(pk=row.pk).values_list("note", flat=True).get()
    own = {version_of(words) for words in (sent.getlist("note") + sent.getlist("sent"))[: 1 + MOST_SENT]}
    return version_of(stored) not in own | {sent["loaded"]}
