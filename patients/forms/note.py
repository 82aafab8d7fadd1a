"""The notes of a visit and of a photo, which are saved while someone writes them."""

from typing import ClassVar

from patients.forms.conflicts import ConflictCheckedForm, Decision, NoteField, Row
from patients.models import Photo, Visit


class NoteForm(ConflictCheckedForm[Row]):
    """A note alone."""

    is_autosaved = True

    def _decide(self, name: str) -> Decision:
        """Return what becomes of the note. It is sent because someone typed in it: it is never left alone."""
        found = super()._decide(name)
        return Decision.TELL if found is Decision.KEEP else found


class VisitNoteForm(NoteForm[Visit]):
    """The note of a visit."""

    class Meta:
        model = Visit
        fields = ("note",)
        field_classes: ClassVar = {"note": NoteField}


class PhotoNoteForm(NoteForm[Photo]):
    """The note of a photo."""

    class Meta:
        model = Photo
        fields = ("note",)
        field_classes: ClassVar = {"note": NoteField}
