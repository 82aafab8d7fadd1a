"""A check of production settings: keys beside what they open protect no copy of it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

BESIDE = "The key file of {name} lies in {folder}, beside the data that it protects. A copy of the folder can be read."
ELSEWHERE = "Move it to /etc/affectline and let the units hand it over with LoadCredential= (docs/keys.md)."


@checks.register(checks.Tags.security, deploy=True)
def keys_lie_apart_from_data(**_: Any) -> list[checks.CheckMessage]:  # Any: Django's own signature
    """Return a warning for each key file inside the folder of the database or of the photos."""
    folders = [Path(settings.VAR).resolve(), Path(settings.MEDIA_ROOT).resolve()]
    return [
        checks.Warning(BESIDE.format(name=name, folder=folder), hint=ELSEWHERE, id="affectline.W001")
        for name, path in settings.KEY_FILES.items()
        for folder in [each for each in folders if path is not None and path.resolve().is_relative_to(each)][:1]
    ]
