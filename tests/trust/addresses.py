"""Every address of the site, found in the URL configuration and in the description of the API."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from drf_spectacular.generators import SchemaGenerator

from encryption.fields import sealed_values
from inference.models import Prediction
from patients.audit.addresses import RuledView, rule_for
from patients.audit.rules import Rule
from patients.models import Event, Photo

METHODS = ("get", "post", "put", "patch", "delete")
PAGE_METHODS = ("get", "post")
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Address:
    """One pattern of the URL configuration."""

    view_name: str
    parts: tuple[str, ...]  # what it names: patient_id, face
    found: Rule | None
    is_from_allauth: bool  # then its rule is in the table ALLAUTH

    @property
    def rule(self) -> Rule:
        """Its rule. Every address has one."""
        assert self.found is not None, f"{self.view_name} has no rule"
        return self.found

    @property
    def is_of_the_api(self) -> bool:
        """Whether it belongs to the API."""
        return self.view_name.startswith("api:")

    @property
    def is_at_the_door(self) -> bool:
        """Whether it belongs to sign-in or to the user's account."""
        return ":" not in self.view_name

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods to try: for the API all that its description offers."""
        return methods_of_the_api().get(self.view_name, ("get",)) if self.is_of_the_api else PAGE_METHODS

    @property
    def names_a_patient(self) -> bool:
        """Whether it names a row of one patient."""
        named = {part.removesuffix("_id") for part in self.parts}  # the API leaves out "_id"
        return bool({"patient", "visit", "photo", "event", "phone_pairing", "import"} & named)

    def url(self, photo: Photo, event: Event) -> str:
        """Return the address, filled with this photo, its visit, its patient or the event."""
        ids: dict[str, object] = {
            "patient": photo.visit.patient_id,
            "visit": photo.visit_id,
            "photo": photo.pk,
            "event": event.pk,
            "phone_pairing": photo.phone_pairing_id,
            "import": photo.imported_in_id,
            "study": UNKNOWN_ID,
            "task": photo.pk,  # no task has it
        }
        known = {f"{name}_id": each for name, each in ids.items()} | ids
        known |= {
            "break_glass_id": 1,
            "code": "k",
            "pk": 1,
            "user_id": event.created_by_id,
            "team_id": 1,
            "care_request_id": 1,
            "patient_import_id": photo.pk,  # no import has it
            "face": 0,
            "purpose": "care",
            "session_id": 1,
            "api_token_id": 1,
            "provider_id": "hospital",
            "key": "k-1",
            "uidb36": "1",
        }
        return reverse(self.view_name, kwargs={name: known[name] for name in self.parts})


def patterns(resolver: URLResolver, names: tuple[str, ...] = (), parts: tuple[str, ...] = ()) -> Iterator[Address]:
    """Yield every pattern below `resolver`."""
    for each in resolver.url_patterns:
        own = (*parts, *each.pattern.converters, *each.pattern.regex.groupindex)
        if isinstance(each, URLResolver):
            yield from patterns(each, (*names, each.namespace) if each.namespace else names, own)
        else:
            assert isinstance(each, URLPattern)
            name = ":".join((*names, each.name or ""))
            yield Address(name, tuple(dict.fromkeys(own)), rule_for(each.callback, name), not isinstance(each.callback, RuledView))


@cache
def every_address() -> list[Address]:
    """Return each address once. Of two with the same name it is the first, which Django resolves."""
    found: dict[str, Address] = {}
    for address in patterns(get_resolver()):
        found.setdefault(address.view_name, address)
    return list(found.values())


@cache
def described() -> list[tuple[str, str]]:
    """Return every path of the API's description with its methods, filled with an id that no row has."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # Any: JSON
    paths = []
    for path, operations in schema["paths"].items():
        path = re.sub(r"\{(?!face|purpose)\w+\}", UNKNOWN_ID, path).replace("{face}", "0").replace("{purpose}", "care")
        paths += [(path, method) for method in operations if method in METHODS]
    return paths


@cache
def methods_of_the_api() -> dict[str, tuple[str, ...]]:
    """Return the methods of each address of the API, from its description."""
    found: dict[str, tuple[str, ...]] = {}
    for path, method in described():
        name = resolve(path).view_name
        found[name] = (*found.get(name, ()), method)
    return found


def drawn(photo: Photo) -> Prediction:
    """Return the prediction of the photo with a map, so that every picture address has a picture."""
    prediction = photo.prediction
    assert prediction is not None
    Prediction.objects.filter(pk=prediction.pk).update(**sealed_values(prediction, explanation_png=b"map"), explanation_drop=0.1)
    return prediction
