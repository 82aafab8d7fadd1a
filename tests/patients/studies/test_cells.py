"""Small cells: bands are joined, cells hidden, and no hidden cell can be worked out from what is shown."""

from hypothesis import given
from hypothesis import strategies as st

from patients.studies.cells import age_table, join_bands, suppress
from patients.studies.group import Person


def people(**ages: list[int]) -> list[Person]:
    return [Person(f"{arm}{k}", arm, age, "", ()) for arm, own in ages.items() for k, age in enumerate(own)]


def test_bands_are_joined_before_anything_is_hidden() -> None:
    group = people(
        treatment=[20] * 7 + [35] * 9 + [50] * 3 + [70] * 2,
        waiting=[25] * 6 + [40] * 6 + [48] * 3 + [66] * 2,
    )
    table = age_table(group, ["treatment", "waiting"], least=5)
    assert [(row.band, row.cells, row.total) for row in table.rows] == [
        ((18, 29), (7, 6), 13),
        ((30, 44), (9, 6), 15),
        ((45, None), (5, 5), 10),
    ]
    assert (table.totals, table.total, table.hidden) == ((21, 17), 38, False)
    assert table.joined == ((45, 59), (60, None))


def test_small_cell_is_hidden_with_others_that_would_give_it_away() -> None:
    assert suppress([[7, 6], [9, 2]], least=5) == [[None, None, 13], [None, None, 11], [16, 8, 24]]


def test_small_arm_hides_the_other_arm_too() -> None:
    assert suppress([[20, 3]], least=5) == [[None, None, 23], [None, None, 23]]


def test_nothing_is_hidden_without_small_cells() -> None:
    assert suppress([[7, 6], [9, 0]], least=5) == [[7, 6, 13], [9, 0, 9], [16, 6, 22]]


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=3), min_size=1, max_size=5).filter(
        lambda rows: len({len(row) for row in rows}) == 1
    )
)
def test_no_small_cell_is_shown_and_no_line_has_one_hidden_cell(rows: list[list[int]]) -> None:
    least = 5
    shown = suppress(rows, least)
    flat = [cell for line in shown for cell in line]
    assert all(cell is None or cell == 0 or cell >= least for cell in flat[:-1])
    for line in (*shown, *zip(*shown, strict=True)):
        hidden = [cell for cell in line if cell is None]
        others = [cell for cell in line[:-1] if cell]
        assert len(hidden) != 1 or not others


def test_joining_keeps_every_person() -> None:
    bands, counts = join_bands([(18, 29), (30, 44), (45, 59), (60, None)], [[2, 1], [9, 8], [1, 7], [6, 0]], least=5)
    assert [sum(column) for column in zip(*counts, strict=True)] == [18, 16]
    assert (bands[0][0], bands[-1][1]) == (18, None)
