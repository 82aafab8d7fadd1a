"""Your own label of a photo, beside the model's answer."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.errors import Refused, refusal
from patients.api.form_data import checked
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.audit.outcome import shows_nothing
from patients.forms.label import OwnLabelForm
from patients.models import OwnLabel, Photo
from patients.models.own_label import LABELS
from patients.readings.own_labels import give_label, take_back


class OwnLabelSerializer(serializers.Serializer[Any]):  # Any: without a label there is no row
    """A label; null where you gave none. Labels of colleagues are not shown: they would bias yours."""

    label = serializers.ChoiceField(choices=LABELS, allow_null=True)  # type: ignore[assignment]  # a field of this name
    remark = serializers.CharField(max_length=200, allow_blank=True, default="")
    given_at = serializers.DateTimeField(read_only=True, allow_null=True)


@extend_schema(tags=["labels"])
class PhotoLabel(DescribedView):
    """Your own label of one photo."""

    @extend_schema(responses=OwnLabelSerializer)
    def get(self, request: Request, photo: UUID) -> Response:
        """Your label."""
        return self._shown(self._given(request, visible(Photo, request, photo)))

    @extend_schema(request=OwnLabelSerializer, responses={200: OwnLabelSerializer, 409: refusal("`given_meanwhile`")})
    def put(self, request: Request, photo: UUID) -> Response:
        """Give the label, or take it back with null."""
        row = visible(Photo, request, photo)
        given = self._given(request, row)
        sent = OwnLabelSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        if sent.validated_data["label"] is None:
            if given is None:
                shows_nothing(request)
            else:
                take_back(given, row, request)
            return self._shown(None)
        label = given or OwnLabel(photo=row, clinician=signed_in(request))
        try:
            return self._shown(give_label(checked(OwnLabelForm(sent.validated_data, instance=label)), row, request))
        except IntegrityError:
            raise Refused(_("You gave a label in this very moment already. This is it."), "given_meanwhile") from None

    def _given(self, request: Request, photo: Photo) -> OwnLabel | None:
        return OwnLabel.objects.filter(photo=photo, clinician=signed_in(request)).first()

    def _shown(self, label: OwnLabel | None) -> Response:
        return Response(OwnLabelSerializer(label or {"label": None, "remark": "", "given_at": None}).data)
