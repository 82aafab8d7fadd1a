"""The example in the documents walks the main path. tests/engines/test_serve.py runs it against real processes."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from requests.adapters import BaseAdapter
from requests.models import PreparedRequest
from rest_framework.test import APIClient

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import ApiToken, Patient, User
from tests.answers import close_unread
from tests.factories import picture

pytestmark = pytest.mark.django_db
EXAMPLE = Path(settings.BASE_DIR) / "docs" / "examples" / "rest_walk.py"


class Site(BaseAdapter):
    """Lets requests speak to the site of the test, whose worker reads a photo as soon as someone asks for it."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # Any: the library's own signature
        """Return the site's answer."""
        Prediction.objects.filter(state="queued").update(
            state="done", chosen_face=0, **dict.fromkeys(EXPRESSIONS, 0.0) | {"happy": 1.0}
        )
        headers = {name: value for name, value in request.headers.items() if name != "Content-Type"}
        kind, body = request.headers.get("Content-Type", ""), request.body or b""
        answer = APIClient(headers=headers).generic(str(request.method), request.path_url, body, kind)  # type: ignore[arg-type]  # bytes
        response = requests.Response()
        response.status_code, response.url = answer.status_code, str(request.url)
        response._content = b"".join(answer) if answer.streaming else answer.content
        response.encoding = "utf-8"
        close_unread(answer)
        return response

    def close(self) -> None:
        """Do nothing: there is no connection."""


def test_example_walks_from_a_patient_to_a_table(
    ada: User, tmp_path: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("rest_walk", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: Site())
    monkeypatch.setattr("sys.argv", ["rest_walk.py", "http://testserver", ApiToken.issue(ada), str(photo)])
    example.main()
    said = capsys.readouterr().out
    assert "Acting for Dr Ada Lind" in said
    assert "State: done" in said
    assert "Valence index of the visit: 1.0" in said
    number = Patient.objects.visible_to(ada).get().record_number
    header, line = said.strip().splitlines()[-2:]
    row = dict(zip(header.split(","), line.split(","), strict=True))
    assert (row["record_number"], row["photos_used"], row["mood"], row["phq9"]) == (number, "1", "6", "9")
