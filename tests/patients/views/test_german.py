"""Pages in German: words, dates and numbers as German readers write them, drawings and files as machines read them."""

import json
import re
from datetime import date
from html import unescape

import pytest
from django.test import Client

from patients.models import Event, Patient, SelfReport, User, Visit
from tests.factories import make_photo, make_prediction, make_read_visits, make_visit, upload

DRAWN = re.compile(r'\s(?:d|x|y|r|cx|cy|x1|x2|y1|y2|width|height|viewBox|points)="([^"]*)"')


@pytest.fixture
def german(ada: User) -> Client:
    """Return the browser of Dr Ada, who reads German."""
    ada.language = "de"
    ada.save(update_fields=["language"])
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def read_visits(ines: Patient) -> list[Visit]:
    """Return five visits of Ines with read photos."""
    visits = make_read_visits(ines, 5)
    SelfReport.objects.create(visit=visits[0], mood=4)
    return visits


def words_of(client: Client, path: str) -> str:
    page = re.sub(r"(?s)<script.*?</script>|<symbol.*?</symbol>", " ", client.get(path).content.decode())
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


def test_dates_and_numbers_are_german(german: Client, ines: Patient, read_visits: list[Visit]) -> None:
    text = words_of(german, f"/patients/{ines.pk}/")
    assert "Beim letzten Termin, am 2. Februar 2026, lag der Valenzindex bei 0,60 (95-%-Intervall 0,60 bis 0,60; 3 von 3" in text
    assert "Üblicher Bereich aus den ersten 5 Terminen, 5. Jan. 2026 bis 2. Feb. 2026." in text
    assert "Im Mittel ähnelten die Fotos am ehesten dem Ausdruck „Freude“" in text


def test_figure_speaks_german(german: Client, ines: Patient, read_visits: list[Visit]) -> None:
    for kind in (Event.Kind.MEDICATION, Event.Kind.THERAPY, Event.Kind.LIFE_EVENT, Event.Kind.NOTE):
        ines.events.create(kind=kind, label="x", starts_on=read_visits[0].date, created_by=read_visits[0].created_by)
    page = german.get(f"/patients/{ines.pk}/").content.decode()
    figure = json.loads(page.split('<script id="figure" type="application/json">')[1].split("</script>")[0])
    assert figure["locale"]["name"] == "de"
    assert figure["locale"]["months"][2] == "März"
    assert figure["layout"]["yaxis"]["ticktext"] == ["−1", "−0,5", "0", "0,5", "1"]
    assert figure["ticks"][0]["form"] == "%-d. %b\n%Y"
    assert figure["lanes"] == ["Med.", "Beh.", "Leben", "Notiz"]  # short enough for the margin on a phone
    assert figure["visits"][0]["said"] == "Stimmung 4 von 10"


def test_day_of_a_photo_that_is_here_already_is_german(german: Client, visit: Visit, sent: list[str]) -> None:
    accept = {"accept": "application/json"}
    german.post(f"/visits/{visit.pk}/photos/", {"photos": upload()}, headers=accept)
    other = make_visit(visit.patient, date(2026, 11, 21))
    answer = german.post(f"/visits/{other.pk}/photos/", {"photos": upload()}, headers=accept)
    assert "20. Nov. 2026" in answer.json()["message"]


def test_measured_quality_is_german(german: Client, read_visits: list[Visit]) -> None:
    check = {"name": "sharpness", "measured": 0.97, "limit": 0.15, "passed": True, "reason": "too_blurred"}
    photo = make_photo(read_visits[0])
    make_prediction(photo, quality=[check])
    assert "Schärfe 0,97 (0,15 nötig)" in words_of(german, f"/photos/{photo.pk}/")


def test_drawings_keep_the_point_that_browsers_read(german: Client, ines: Patient, read_visits: list[Visit]) -> None:
    photo = make_photo(read_visits[0])
    make_prediction(photo)
    paths = ["/patients/", f"/patients/{ines.pk}/", f"/patients/{ines.pk}/compare/", f"/patients/{ines.pk}/usual-range/"]
    paths += [f"/visits/{read_visits[0].pk}/", f"/photos/{photo.pk}/", "/model-card/"]
    for path in paths:
        drawings = re.findall(r"(?s)<svg.*?</svg>", german.get(path).content.decode())
        values = [value for drawing in drawings for value in DRAWN.findall(drawing)]
        assert values, path
        assert [value for value in values if "," in value] == []


def test_export_is_the_same_in_every_language(german: Client, ada: User, ines: Patient, read_visits: list[Visit]) -> None:
    answer = german.get(f"/patients/{ines.pk}/csv/?dialect=comma")
    assert answer.status_code == 200
    in_german = answer.getvalue()
    ada.language = "en"
    ada.save(update_fields=["language"])
    assert german.get(f"/patients/{ines.pk}/csv/").getvalue() == in_german  # but for its separators, which follow the language


def test_sign_in_follows_the_browser(db: None) -> None:
    page = Client().get("/accounts/login/", headers={"accept-language": "de"}).content.decode()
    assert 'lang="de"' in page
    assert "Konten gibt es auf Einladung." in page
