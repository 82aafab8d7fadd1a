"""The form of a study: what it is, its arms, who may use it, and the fields that it may see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from patients.forms.conflicts import ConflictCheckedForm, Decision
from patients.forms.days import DayField
from patients.models import Arm, Study, StudyMember, User
from patients.models.names import by_name
from patients.models.study import LEAST_CELL

ARM_MAX_LENGTH = 60
MOST_CELL = 100
GRANTED = ("export", "change")
RIGHTS = ("see-", "export-", "change-")
"""How the fields of a person's rights begin."""


@dataclass(frozen=True)
class ArmRow:
    """One arm in the form; `name` is what the field shows. A row that was emptied removes its arm."""

    arm: Arm
    name: str
    participants: int

    errors: Sequence[str] = ()

    @property
    def field(self) -> str:
        """The name of its input."""
        return f"arm-{self.arm.pk}"


@dataclass(frozen=True)
class MemberRow:
    """One person in the form, and what is ticked."""

    person: User
    is_lead: bool
    sees: bool
    exports: bool
    changes: bool


class StudyForm(ConflictCheckedForm[Study]):
    """A study with its arms and its people. Works without a script: an empty arm is removed, a blank one is there to add.

    Every arm, and every right of every person, is a field of its own, so that two people can change different ones.
    """

    use_required_attribute = False
    also_written = ("fields",)

    fields_seen = forms.MultipleChoiceField(label=_("Fields"), required=False, choices=Study.Field.choices)
    smallest_cell = forms.IntegerField(label=_("Smallest cell"), min_value=LEAST_CELL, max_value=MOST_CELL, initial=5)

    class Meta:
        model = Study
        fields = ("name", "ethics_reference", "starts_on", "closed_on", "smallest_cell")
        field_classes = {"starts_on": DayField, "closed_on": DayField}  # noqa: RUF012  # Django's own shape

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields["name"].error_messages["required"] = _("Give the study a name.")
        self.fields["starts_on"].error_messages["required"] = _("Enter the day from which visits count.")

    def add_fields(self) -> None:
        """Add a field for each arm and for each right; a new study has none yet."""
        if self.is_new:
            del self.fields["closed_on"]
            self.instance.lead = self.user
            others = [Study.Field.LABELS, Study.Field.SEX]
            self.initial["fields_seen"] = [field for field in Study.Field.values if field not in others]
            return
        if self.is_bound:
            # Locked before its arms and people are read: two forms are saved one after the other.
            Study.objects.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        self.initial.update(self.stored_values(self.instance))
        for name, value in self.initial.items():
            if name.startswith("arm-"):
                self.fields[name] = forms.CharField(required=False)
            elif name.startswith(RIGHTS):
                self.fields[name] = forms.BooleanField(required=False, initial=value)

    def stored_values(self, row: Study) -> dict[str, object]:
        """Return the stored values of the study, the names of its arms and the rights of its people. The lead always has two."""
        found: dict[str, object] = super().stored_values(row) | {"fields_seen": row.fields}
        found |= {f"arm-{pk}": name for pk, name in row.arms.values_list("pk", "name")}
        for member in row.members.all():
            found[f"export-{member.person_id}"] = member.may_export
            if member.person_id != row.lead_id:
                found |= {f"see-{member.person_id}": True, f"change-{member.person_id}": member.may_change}
        return found

    @property
    def changed_columns(self) -> list[str]:
        """The changed fields that are the study's own, without arms and people."""
        return [name for name in self.changed_data if name in self.base_fields]

    @property
    def fields_ticked(self) -> list[str]:
        """The fields whose boxes are ticked."""
        value: list[str] = self["fields_seen"].value() or []
        return value

    def arms(self) -> Iterator[ArmRow]:
        """Yield the arms that there are."""
        if self.is_new:
            return
        for arm in self.instance.arms.annotate(count=Count("participations")):
            field = f"arm-{arm.pk}"
            name = self.data.get(field, arm.name) if self.is_bound else arm.name
            yield ArmRow(arm, name, arm.count, [str(each) for each in self.errors.get(field) or ()])

    def new_arms(self) -> list[str]:
        """Return the names of the blank inputs: what was typed, and one or two empty ones."""
        typed = [name for name in self._typed_arms() if name]
        return [*typed, *[""] * (1 if typed or not self.is_new else 2)]

    def members(self) -> list[MemberRow]:
        """Return the people of the study, the lead first."""
        lead = self.instance.lead
        stored = {} if self.is_new else {each.person: each for each in self.instance.members.select_related("person")}
        people = [lead, *by_name((person for person in stored if person != lead), lambda person: person.display_name)]
        return [self._member(person, stored.get(person), person == lead) for person in people]

    def able(self) -> list[User]:
        """Return the people who can be added: clinicians and researchers who can sign in and are not in the study yet."""
        roles = (User.Role.CLINICIAN, User.Role.RESEARCHER)
        others = User.objects.filter(is_active=True, role__in=roles).exclude(pk=self.instance.lead_id)
        if not self.is_new:
            others = others.exclude(study_memberships__study=self.instance)
        return by_name(others, lambda person: person.display_name)

    def clean_name(self) -> str:
        """Return the name, which no other study of the same lead has."""
        name: str = self.cleaned_data["name"]
        if Study.objects.filter(lead=self.instance.lead, name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("The lead has a study of this name already."))
        return name

    def clean(self) -> dict[str, object]:
        """Return the fields. Raises ValidationError for arms that cannot be as they are typed."""
        fields = super().clean()
        names = [name.strip() for name in (*(row.name for row in self.arms()), *self._typed_arms()) if name.strip()]
        if not names:
            raise ValidationError(_("Name at least one arm. A study with one group has one arm."))
        if len({name.casefold() for name in names}) < len(names):
            raise ValidationError(_("Two arms have the same name."))
        if any(len(name) > ARM_MAX_LENGTH for name in names):
            raise ValidationError(_("The name of an arm has at most %(n)d characters.") % {"n": ARM_MAX_LENGTH})
        if any(row.participants and not row.name.strip() for row in self.arms()):
            raise ValidationError(_("An arm with participants can be renamed, not removed."))
        start, end = fields.get("starts_on"), fields.get("closed_on")
        if isinstance(start, date) and isinstance(end, date) and end < start:
            self.add_error("closed_on", _("The study cannot close before it starts."))
        self._check_what_colleagues_did()
        return fields

    def save(self, commit: bool = True) -> Study:
        """Save the study with its arms and its people, and return it."""
        self.instance.fields = [field for field in Study.Field.values if field in self.cleaned_data["fields_seen"]]
        with transaction.atomic():
            rows = list(self.arms())
            study = super().save(commit)
            self._save_arms(study, rows)
            self._save_members(study)
        return study

    def _decide(self, name: str) -> Decision:
        # What a colleague added after this page was loaded was neither emptied nor unticked in it.
        is_shown = name in self.data or self._loaded(name) is not None or (name.startswith(RIGHTS) and not self._loaded("name"))
        return super()._decide(name) if is_shown or name in self.base_fields else Decision.KEEP

    def _check_what_colleagues_did(self) -> None:
        """Add an error for what is neither this form's change nor a colleague's, but made of both."""
        for key, loaded in self.data.items():
            name = key.removeprefix("initial-")
            if name == key or name in self.fields:
                continue
            if name.startswith("arm-") and self.data.get(name, "").strip() not in ("", loaded):
                self.add_error(None, _("Someone else removed the arm “%(name)s”. Add it again if it is needed.") % {"name": loaded})
            elif name.startswith(RIGHTS) and str(name in self.data) != loaded:
                self.add_error(None, _("Someone else removed a person whose rights you changed. Add them again if needed."))
        for name in self._written:
            if name.startswith("see-") and any(map(self._is_granted_meanwhile, (name.replace("see", each) for each in GRANTED))):
                self.add_error(None, _("Someone else gave rights to a person whom you removed. Check the boxes and save again."))

    def _is_granted_meanwhile(self, name: str) -> bool:
        return name not in self._written and self._loaded(name) == str(False) and self._stored(name) == str(True)

    def _save_arms(self, study: Study, rows: list[ArmRow]) -> None:
        for row in rows:
            if not row.name.strip():
                row.arm.delete()
            elif row.name.strip() != row.arm.name:
                # Two arms that swap names would meet on the way.
                Arm.objects.filter(pk=row.arm.pk).update(name=f"{row.arm.pk} ")
        for row in rows:
            if row.name.strip():
                Arm.objects.filter(pk=row.arm.pk).update(name=row.name.strip())
        last = max((row.arm.position for row in rows), default=-1)
        for k, name in enumerate(filter(None, map(str.strip, self._typed_arms())), start=1):
            Arm.objects.create(study=study, name=name, position=last + k)

    def _save_members(self, study: Study) -> None:
        for row in self.members():
            if row.sees:
                rights = {"may_export": row.exports, "may_change": row.changes}
                StudyMember.objects.update_or_create(study=study, person=row.person, defaults=rights)
            else:
                StudyMember.objects.filter(study=study, person=row.person).delete()
        wanted = self.data.get("add_person", "")
        person = next((each for each in self.able() if str(each.pk) == wanted), None)
        if person is not None:
            StudyMember.objects.get_or_create(study=study, person=person)

    def _typed_arms(self) -> list[str]:
        return self.data.getlist("new_arm") if self.is_bound and hasattr(self.data, "getlist") else []

    def _member(self, person: User, stored: StudyMember | None, is_lead: bool) -> MemberRow:
        if self.is_bound:
            exports, changes = (f"{right}-{person.pk}" in self.data for right in ("export", "change"))
            sees = f"see-{person.pk}" in self.data or exports or changes
        else:
            sees, exports, changes = True, bool(stored and stored.may_export), bool(stored and stored.may_change)
        # The lead cannot lock themselves out.
        return MemberRow(person, is_lead, sees or is_lead, exports, changes or is_lead)
