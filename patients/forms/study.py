"""The form of a study: what it is, its arms, who may use it, and the fields that it may see."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from patients.forms.days import DayField
from patients.models import Arm, Study, StudyMember, User
from patients.models.names import by_name
from patients.models.study import LEAST_CELL

ARM_MAX_LENGTH = 60
MOST_CELL = 100


@dataclass(frozen=True)
class ArmRow:
    """One arm in the form; `name` is what the field shows. A row that was emptied removes its arm."""

    arm: Arm
    name: str
    participants: int

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


class StudyForm(forms.ModelForm[Study]):
    """A study with its arms and its people. Works without a script: an empty arm is removed, a blank one is there to add."""

    use_required_attribute = False

    fields_seen = forms.MultipleChoiceField(label=_("Fields"), required=False, choices=Study.Field.choices)
    smallest_cell = forms.IntegerField(label=_("Smallest cell"), min_value=LEAST_CELL, max_value=MOST_CELL, initial=5)

    class Meta:
        model = Study
        fields = ("name", "ethics_reference", "starts_on", "closed_on", "smallest_cell")
        field_classes = {"starts_on": DayField, "closed_on": DayField}  # noqa: RUF012  # Django's own shape

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        super().__init__(*args, **kwargs)
        self.user = user
        self.is_new = self.instance._state.adding
        if self.is_new:
            del self.fields["closed_on"]
            self.instance.lead = user
        others = [Study.Field.LABELS, Study.Field.SEX]
        usual = [field for field in Study.Field.values if field not in others]
        self.fields["fields_seen"].initial = usual if self.is_new else self.instance.fields
        self.fields["name"].error_messages["required"] = _("Give the study a name.")
        self.fields["starts_on"].error_messages["required"] = _("Enter the day from which visits count.")

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
            name = self.data.get(f"arm-{arm.pk}", arm.name) if self.is_bound else arm.name
            yield ArmRow(arm, name, arm.count)

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

    def clean(self) -> dict[str, Any]:  # Any: Django's own signature
        """Return the fields. Raises ValidationError for arms that cannot be as they are typed."""
        fields = super().clean() or {}
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
        if start and end and end < start:
            self.add_error("closed_on", _("The study cannot close before it starts."))
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
