"""What a model version says about a photo, as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS

PROBABILITIES_SCHEMA = {"type": "object", "properties": {name: {"type": "number"} for name in EXPRESSIONS}, "nullable": True}
NOT_PROCESSED: dict[str, Any] = {"abstained": False, "faces": [], "chosen_face": None, "quality": [], "milliseconds": {}}


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """What a model version says about a photo. `probabilities` are calibrated and sum to 1; null until done.

    Faces and checks are empty while a photo waits or is being read, and after a fault. `explanation` is the state of the map of
    what mattered.
    """

    probabilities = serializers.SerializerMethodField()
    valence = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = Prediction
        fields = (
            "state",
            "reason",
            "model_version",
            "probabilities",
            "valence",
            "abstained",
            "faces",
            "chosen_face",
            "quality",
            "milliseconds",
            "requested_at",
            "finished_at",
            "explanation",
        )
        read_only_fields = fields

    def to_representation(self, instance: Prediction) -> dict[str, Any]:  # Any: JSON
        """Return the prediction as JSON. Hides what an earlier reading left in the row until the current one is done."""
        data = super().to_representation(instance)
        return data if instance.is_processed else data | NOT_PROCESSED

    @extend_schema_field(PROBABILITIES_SCHEMA)
    def get_probabilities(self, prediction: Prediction) -> dict[str, float] | None:
        """Return the seven probabilities by name; None until done."""
        return None if prediction.probabilities is None else dict(zip(EXPRESSIONS, prediction.probabilities, strict=True))
