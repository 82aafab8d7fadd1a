"""The objects that entries of the access log name, as far as they are still in the patient's record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from patients.models import AccessLog, Event, Patient, PhonePairing, Photo, Team, User, Visit
from patients.models.access import object_name
from patients.models.formats import day


@dataclass(frozen=True)
class Part:
    """A piece of a sentence; with an address it is a link."""

    text: str
    address: str = ""


@dataclass
class Named:
    """What is known of the objects of some entries, by their ids as the log holds them."""

    people: dict[int, str]
    visits: dict[str, Part] = field(default_factory=dict)
    photos: dict[str, tuple[int, str]] = field(default_factory=dict)  # its number in the visit, and the id of the visit
    events: dict[str, Part] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    phone_pairings: dict[str, str] = field(default_factory=dict)  # the id of the visit
    ids: dict[str, str] = field(default_factory=dict)  # of rows, by what names them in the log

    @classmethod
    def in_entries(cls, patient: Patient, entries: Iterable[AccessLog]) -> Named:
        """Return the names. At most seven queries, whatever the number of entries.

        What is now in another patient's record is not named.
        """
        kinds: dict[str, set[str]] = {}
        for entry in entries:
            kinds.setdefault(entry.object_kind, set()).add(entry.object_id)
        clinicians = {int(each) for each in kinds.get("user", ()) if each.isdecimal()}
        actors = {entry.actor_id for entry in entries if entry.actor_id}
        names = cls(dict(User.objects.filter(pk__in=actors | clinicians).values_list("pk", "display_name")))
        if teams := kinds.get("team"):
            names.teams = {str(pk): name for pk, name in Team.objects.filter(pk__in=teams).values_list("pk", "name")}
        if "event" in kinds:
            for event in Event.objects.filter(patient=patient):
                key = names._know(patient, event.pk)
                names.events[key] = Part(f"“{event.label}”", reverse("patients:edit_event", args=[event.pk]))
        if "phonepairing" in kinds:
            for pk, visit_id in PhonePairing.objects.filter(visit__patient=patient).values_list("pk", "visit_id"):
                names.phone_pairings[names._know(patient, pk)] = str(visit_id)
        if photos := kinds.get("photo"):
            names._number_photos(patient, photos)
        if kinds.keys() & {"visit", "photo", "phonepairing"}:
            for pk, date in Visit.objects.filter(patient=patient).values_list("pk", "date"):
                names.visits[names._know(patient, pk)] = Part(day(date), reverse("patients:visit", args=[pk]))
        return names

    def _know(self, patient: Patient, key: UUID) -> str:
        """Return the id as text, and note what names the row in entries: before 30 November 2026 its id."""
        self.ids[object_name(patient.pk, key)] = self.ids[str(key)] = str(key)
        return str(key)

    def _number_photos(self, patient: Patient, named: set[str]) -> None:
        """Number the photos as their pages do: in the order of the visit, from 1."""
        for key in Photo.objects.filter(visit__patient=patient).values_list("pk", flat=True):
            self._know(patient, key)
        keys = [self.ids[each] for each in named if each in self.ids]
        visits = Photo.objects.filter(pk__in=keys).values("visit")
        counted: dict[UUID, int] = {}
        ordered = Photo.objects.filter(visit__in=visits).order_by("uploaded_at", "id").values_list("pk", "visit_id")
        for pk, visit_id in ordered:
            counted[visit_id] = counted.get(visit_id, 0) + 1
            self.photos[str(pk)] = (counted[visit_id], str(visit_id))

    def id_of(self, entry: AccessLog) -> str:
        """Return the id of the entry's object; what the entry says when the patient has no such row any more."""
        return self.ids.get(entry.object_id, entry.object_id)

    def visit_of(self, entry: AccessLog) -> str:
        """Return the id of the visit that the entry is about; empty when there is none, or no longer."""
        if entry.object_kind == "photo":
            target = self.ids.get(str(entry.detail.get("to_visit") or ""), "")
            visit = target or self.photos.get(self.id_of(entry), (0, ""))[1]
        else:
            visit = self.phone_pairings.get(self.id_of(entry), "") if entry.object_kind == "phonepairing" else self.id_of(entry)
        return visit if visit in self.visits else ""

    def photo(self, entry: AccessLog) -> Part:
        """Return the photo of the entry."""
        key = self.id_of(entry)
        if key not in self.photos:
            return Part(_("a deleted photo"))
        return Part(_("photo {number}").format(number=self.photos[key][0]), reverse("patients:photo", args=[key]))

    def parts(self, entry: AccessLog) -> dict[str, Part]:
        """Return what stands for the fields of the entry's phrase."""
        return {
            "photo": self.photo(entry),
            "visit": self.visits.get(self.visit_of(entry), Part(_("a deleted visit"))),
            "event": self.events.get(self.id_of(entry), Part(_("that was deleted"))),
            "person": Part(self.person(int(entry.object_id) if entry.object_id.isdecimal() else None)),
            "team": Part(self.teams.get(entry.object_id, _("that was deleted"))),
        }

    def person(self, user_id: int | None) -> str:
        """Return the name of an account; empty for the system itself."""
        return "" if user_id is None else self.people.get(user_id, _("a deleted account"))
