"""The models that read the photos, and where the contents of a bundle come from."""

from collections.abc import Iterable, Iterator
from uuid import UUID, uuid5

from django.conf import settings

from ml.serve.card import load_card
from ml.serve.onnx_session import WeightsError
from patients.models import User
from patients.reports.fhir.codes import HL7, OUR_ID, ROUNDED_WEIGHTS, VERSION, WEIGHTS, Resource, coded, ours
from patients.reports.fhir.record import reference

NOTE = "Says which expressions a face in a photo resembles. It does not diagnose."


def device_id(version: str) -> str:
    """Return the id of a model version: the same in every bundle."""
    return str(uuid5(UUID(OUR_ID), f"model {version}"))


def device(version: str) -> Resource:
    """Return the model of this version. Its hashes are known while it is the installed one."""
    versions = [{"type": ours(VERSION), "value": version}, *_hashes(version)]
    return {
        "resourceType": "Device",
        "id": device_id(version),
        "manufacturer": "Affectline",
        "deviceName": [{"name": "Affectline expression model", "type": "model-name"}],
        "version": versions,
        "note": [{"text": NOTE}],
    }


def readings_provenance(key: str, readings: Iterable[str], versions: Iterable[str], recorded: str) -> Resource:
    """Return who made these observations: models."""
    author = coded(f"{HL7}provenance-participant-type", "author", "Author")
    return {
        "resourceType": "Provenance",
        "id": key,
        "target": [reference(each) for each in readings],
        "recorded": recorded,
        "activity": coded(f"{HL7}iso-21089-lifecycle", "originate", "Originate/Retain Record Lifecycle Event"),
        "agent": [{"type": author, "who": reference(device_id(version))} for version in versions],
    }


def export_provenance(key: str, contents: Iterable[str], asked_by: User, recorded: str) -> Resource:
    """Return who took these contents out of Affectline, and when."""
    roles = f"{HL7}provenance-participant-type"
    return {
        "resourceType": "Provenance",
        "id": key,
        "target": [reference(each) for each in contents],
        "recorded": recorded,
        "activity": coded(f"{HL7}iso-21089-lifecycle", "extract", "Extract Record Lifecycle Event"),
        "agent": [
            {"type": coded(roles, "performer", "Performer"), "who": {"display": asked_by.display_name}},
            {"type": coded(roles, "assembler", "Assembler"), "who": {"display": "Affectline"}},
        ],
    }


def _hashes(version: str) -> Iterator[Resource]:
    try:
        card = load_card(settings.MODEL_DIR)
    except WeightsError:
        return
    if card.version == version:
        yield {"type": ours(WEIGHTS), "value": card.keras_sha256}
        yield {"type": ours(ROUNDED_WEIGHTS), "value": card.onnx_sha256}
