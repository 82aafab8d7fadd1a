"""Names: found and sorted however they are spelt."""

import pytest
from django.db import connection

from patients.models import Patient
from patients.models.names import Search, by_name, folded
from tests.factories import make_patient

FOUND = [
    ("Siobhán O’Brien", "O'Brien"),
    ("Siobhán O’Brien", "obrien siob"),
    ("Siobhán O'Brien", "O´Brien"),
    ("José Núñez", "Jose Nunez"),
    ("Jose Nunez", "José Núñez"),
    ("Zoe\u0308 Ines", "Zo\u00eb"),
    ("Łukasz Żak", "lukasz zak"),
    ("Søren Ørsted", "soren orsted"),
    ("Søren Ørsted", "Soeren"),
    ("Đặng Thị Nguyễn", "dang nguyen"),
    ("Jürgen Groß", "juergen gross"),
    ("Juergen Gross", "Jürgen Groß"),
    ("Ægir Þórsson", "aegir thorsson"),
    ("Işıl İnan", "isil inan"),
    ("IŞIL", "ışıl"),
    ("Γιώργος Ξένος", "ΓΙΩΡΓΟΣ ΞΕΝΟΣ"),
    ("Γιώργος", "γιωργοσ"),
    ("Семён Ёлкин", "семен елкин"),
    ("مُحَمَّد", "محمد"),
    ("أحمد", "احمد"),
    ("علی", "علي"),
    ("שָׁלוֹם", "שלום"),
    ("Ｉｎｅｓ", "ines"),
    ("ﾀﾅｶ", "タナカ"),
    ("タナカ", "たなか"),
    ("Anne-Marie Roe", "anne marie"),
    ("Anne-Marie Roe", "annemarie"),
    ("Anne Marie Roe", "Anne‑Marie"),
    ("Ines Aalto", "Aalto Ines"),
    ("Ines Aalto", "alt nes"),
    ("I\u200bnes Aalto", "ines"),
    ("Ines Aalto", "\u200b"),
    ("Ines Aalto", ""),
    ("Ines Aalto", "r‐００１２ aalto"),
]


@pytest.mark.parametrize(("name", "typed"), FOUND)
def test_name_is_found_however_it_is_spelt(name: str, typed: str) -> None:
    assert Search(typed).finds(name, "R-0012")


@pytest.mark.parametrize("typed", ["Ines Berg", "Bo", "R-0013", "0012 Berg"])
def test_every_word_must_be_found(typed: str) -> None:
    assert not Search(typed).finds("Ines Aalto", "R-0012")


def test_folded_form_of_a_folded_form_is_itself() -> None:
    # All scripts but those of whole syllables and words, which no step changes.
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x12000)):
        once = folded(f"a{chr(code)}b")
        assert folded(once) == once, hex(code)


def test_names_are_sorted_as_people_look_them_up() -> None:
    names = ["Zoë", "Émile", "emil", "Łukasz", "Luca", "Özil", "O’Brien", "Obrian", "zoe"]
    assert by_name(names, str) == ["emil", "Émile", "Luca", "Łukasz", "Obrian", "O’Brien", "Özil", "Zoë", "zoe"]


@pytest.mark.django_db
def test_name_that_turns_the_writing_is_read_without_the_mark() -> None:
    stored = make_patient(name="Ines \u202eoerom\u202c")
    assert Patient.objects.get(pk=stored.pk).name == "Ines oerom"
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM patients_patient")
        assert "Ines" not in cursor.fetchone()[0]
