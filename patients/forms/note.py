"""The forms of the notes on a visit and on a photo, which are saved as the user types."""

from typing import ClassVar

from patients.forms.conflicts import ConflictCheckedForm, Decision, NoteField, Row
from patients.models import Photo, Visit


class NoteForm(ConflictCheckedForm[Row]):
    """A note without other fields."""

    is_autosaved = True

    def _decide(self, name: str) -> Decision:
        """Return the decision on the note. It is sent only after someone typed in it, so KEEP is a conflict as well."""
        decision = super()._decide(name)
        return Decision.CONFLICT if decision is Decision.KEEP else decision


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
