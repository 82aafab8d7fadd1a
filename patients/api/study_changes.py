"""A program creates and changes a study: with the form of the page, without what decides who sees it."""

from typing import Any

from django.db import transaction
from django.http import Http404, QueryDict
from rest_framework import serializers
from rest_framework.request import Request

from patients.api.form_data import checked
from patients.api.permission import signed_in
from patients.forms.conflicts import token_of
from patients.forms.study import ARM_MAX_LENGTH, MOST_CELL, StudyForm
from patients.models import Study
from patients.models.study import LEAST_CELL, Right
from patients.studies.saving import change_study, create_study


class ChangedArmSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """An arm: with `id` it gets another name, or an empty one to remove it; without, it is new."""

    id = serializers.IntegerField(required=False)
    name = serializers.CharField(max_length=ARM_MAX_LENGTH, allow_blank=True)


class StudyChangesSerializer(serializers.ModelSerializer[Study]):
    """What a study is. Arms that are not sent stay as they are. People are added on the study's page."""

    fields_seen = serializers.ListField(child=serializers.ChoiceField(Study.Field.choices), required=False)
    smallest_cell = serializers.IntegerField(min_value=LEAST_CELL, max_value=MOST_CELL, required=False)
    arms = ChangedArmSerializer(many=True, required=False)

    class Meta:
        model = Study
        fields = ("name", "ethics_reference", "starts_on", "closed_on", "smallest_cell", "fields_seen", "arms")


def created(request: Request) -> Study:
    """Create the study that was sent; the caller leads it. Raises ValidationError."""
    sent = StudyChangesSerializer(data=request.data)
    sent.is_valid(raise_exception=True)
    blank = StudyForm(signed_in(request))
    return create_study(request, checked(StudyForm(signed_in(request), _as_form(blank, sent.validated_data))))


def changed(request: Request, study: Study) -> Study:
    """Change what was sent. Raises ValidationError, and Http404 for an arm of another study."""
    sent = StudyChangesSerializer(study, data=request.data, partial=True)
    sent.is_valid(raise_exception=True)
    with transaction.atomic():  # the form locks the study until it is saved
        shown = StudyForm(signed_in(request), instance=study)
        form = StudyForm(signed_in(request), _as_form(shown, sent.validated_data), instance=study)
        return change_study(request, checked(form))


def open_to_changes(request: Request) -> Any:  # Any: a queryset of the studies
    """Return the studies that the caller may change."""
    return Study.objects.open_to(signed_in(request), Right.CHANGE).select_related("lead").prefetch_related("arms")


def _as_form(shown: StudyForm, sent: dict[str, Any]) -> QueryDict:
    """Return what a browser would send after these values were typed into the form as it is shown."""
    arms = sent.get("arms", [])
    typed = sent | {f"arm-{arm['id']}": arm["name"] for arm in arms if "id" in arm}
    if any(name.startswith("arm-") and name not in shown.fields for name in typed):
        raise Http404
    data = QueryDict(mutable=True)
    for name, field in shown.fields.items():
        value = typed.get(name, shown.get_initial_for_field(field, name))
        if not shown.is_new and name not in typed:
            data[f"initial-{name}"] = token_of(field, value)
        if isinstance(value, list):
            data.setlist(name, value)
        elif value is not None and value is not False:
            data[name] = "on" if value is True else str(value)
    data.setlist("new_arm", [arm["name"] for arm in arms if "id" not in arm])
    return data
