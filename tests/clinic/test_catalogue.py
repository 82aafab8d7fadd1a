"""Translations: every text is found, is translated with the same placeholders, and compiled."""

import gettext
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.dates import MONTHS, MONTHS_3, MONTHS_AP, WEEKDAYS, WEEKDAYS_ABBR

from clinic.catalogue import po
from clinic.catalogue.sources import PROJECT, Text, in_code, in_template, texts

# One template builds a tag in pieces, which HTML parsers cannot follow; it has no words.
TEMPLATES = sorted(set((PROJECT / "templates").rglob("*.html")) - {PROJECT / "templates/allauth/elements/button.html"})
# Names, units and keys that are the same in every language.
NAMES = {
    "Affectline",
    "CSV",
    "PHQ-9",
    "GAD-7",
    "px",
    "GB",
    "Home",
    "End",
    "Enter",
    "Esc",
    "FER2013",
    "FER+",
    "JSON",
    "report.json",
    "SHA-256",
}


@pytest.fixture(scope="module", params=po.PLURAL)
def language(request: pytest.FixtureRequest) -> str:
    """Return each language that the pages are translated into."""
    return str(request.param)


@pytest.fixture(scope="module")
def translations(language: str) -> po.Translations:
    """Return the translations into the language."""
    return po.read(po.path_of(language))


def test_texts_in_code_are_found_with_plural_and_context() -> None:
    source = """
a = _("one " "line")
b = ngettext("%(n)d photo", "%(n)d photos", 3)
c = pgettext("of a key", "Home")
d = unrelated("no text")
"""
    assert list(in_code(source)) == [Text("one line"), Text("%(n)d photo", "%(n)d photos"), Text("Home", context="of a key")]


def test_texts_in_templates_are_found() -> None:
    source = """{% load i18n %}{% translate "95 % sure" %}{% blocktranslate count n=n trimmed %}
      one of {{ all }}
      {% plural %}
      {{ n }} of {{ all }}
    {% endblocktranslate %}<p title="{% translate 'It is "quoted"' %}">{{ name|default:_("no one") }}"""
    found = [Text("95 %% sure"), Text("one of %(all)s", "%(n)s of %(all)s"), Text('It is "quoted"'), Text("no one")]
    assert list(in_template(source)) == found


def test_a_file_that_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    kept = {Text('a "b"\\\n'): ("c",), Text("one", "many", "of cells"): ("eine", "viele"), Text("open"): ("",)}
    path = tmp_path / "django.po"
    made = po.catalogue("de", kept, {text: ["a.html", "b.html"] for text in kept})
    path.write_text(str(made), encoding="utf-8")
    assert po.read(path) == kept
    table = gettext.GNUTranslations(io.BytesIO(made.to_binary()))
    assert table.gettext('a "b"\\\n') == "c"
    assert table.npgettext("of cells", "one", "many", 2) == "viele"
    assert table.gettext("open") == "open"


def test_pages_are_translated_into_every_language_that_is_offered() -> None:
    assert set(po.PLURAL) == {code for code, _ in settings.LANGUAGES} - {"en"}


def test_every_text_has_a_translation(translations: po.Translations) -> None:
    assert [text.text for text in texts() if not all(translations.get(text, ("",)))] == []


def test_translations_are_in_step_with_texts_and_compiled(language: str, translations: po.Translations) -> None:
    path, made = po.path_of(language), po.catalogue(language, translations, texts())
    assert path.read_text(encoding="utf-8") == str(made), "run `make messages`"
    assert path.with_suffix(".mo").read_bytes() == made.to_binary(), "run `make messages`"


def test_no_text_takes_the_place_of_a_month_or_a_weekday(translations: po.Translations) -> None:
    days = {str(word) for words in (MONTHS, MONTHS_3, MONTHS_AP, WEEKDAYS, WEEKDAYS_ABBR) for word in words.values()}
    assert [text.text for text in translations if not text.context and text.text in days] == []


def test_translations_keep_placeholders_and_marks(translations: po.Translations) -> None:
    wrong = []
    for text, forms in translations.items():
        wanted = [_placeholders(text.text), _placeholders(text.plural)] if text.plural else [_placeholders(text.text)]
        for form, places in zip(forms, wanted, strict=True):
            if form and _placeholders(form) != places and not (text.plural and _placeholders(form) == wanted[1]):
                wrong.append((text.text, form))
    assert wrong == []


def _placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%%|%[sd]|<[^>]+>", text))


class _Words(HTMLParser):
    """Collects the text between tags and in attributes that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_hidden += tag in ("script", "style")
        self.found += [value for name, value in attrs if value and name in ("alt", "aria-label", "placeholder", "title")]

    def handle_endtag(self, tag: str) -> None:
        self.is_hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.is_hidden:
            self.found.append(data)


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.name for path in TEMPLATES])
def test_every_word_in_a_template_is_translatable(path: Path) -> None:
    source = path.read_text()
    source = re.sub(r"(?s){%\s*(comment|blocktranslate)\b.*?%}.*?{%\s*end\1\s*%}", "", source)
    source = re.sub(r"{% block page_class %}.*?{% endblock %}", "", source)
    words = _Words()
    words.feed(re.sub(r"(?s){%.*?%}|{{.*?}}|{#.*?#}|&\w+;", " ", source))
    left = {word for text in words.found for word in re.findall(r"[A-Za-z][\w+.-]*[\w+]", text)} - NAMES
    assert left == set()


def test_a_visit_is_no_sign_in_session_in_spanish() -> None:
    wrong = [
        text.text
        for text, forms in po.read(po.path_of("es")).items()
        if "visit" in text.text.lower() and "sign" not in text.text and "sesi" in " ".join(forms).lower()
    ]
    assert wrong == []
