"""Loads the data package of a study and draws the mean valence index of each arm by month: python group_figure.py FOLDER OUT.html

Needs pandas, plotly and scipy, or pandas alone for the table that it prints. FOLDER is the unpacked ZIP in CSV format.
"""

import sys
from pathlib import Path

import pandas as pd

WEEKS = range(0, 25, 4)


def load(folder: Path) -> pd.DataFrame:
    """Return one row per visit with its arm and its week since the first visit."""
    visits = pd.read_csv(folder / "visits.csv")
    people = pd.read_csv(folder / "participants.csv", dtype={"arm": "string"})
    people["arm"] = people["arm"].fillna("all")
    table = visits.merge(people[["participant", "arm"]], on="participant", validate="many_to_one")
    return table.assign(week=table["day"] / 7)


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over people, its standard error and the number of people, by arm and week.

    A visit belongs to the nearest of weeks 0, 4 ... 24, at most two weeks away. Everyone counts once in each.
    """
    table = table.assign(mark=((table["week"] - 1e-9) / 4).round().clip(lower=0).astype(int) * 4)
    near = table[(table["mark"] <= max(WEEKS)) & ((table["week"] - table["mark"]).abs() <= 2)].dropna(subset=["valence"])
    per_person = near.groupby(["arm", "mark", "participant"])["valence"].mean()
    return per_person.groupby(["arm", "mark"]).agg(mean="mean", se="sem", people="size").reset_index()


def draw(table: pd.DataFrame, path: Path) -> None:
    """Write a page with a line and 95% intervals for each arm."""
    import plotly.graph_objects as go
    from scipy.stats import t

    figure = go.Figure()
    for arm, own in table.groupby("arm"):
        error = {"type": "data", "array": t.ppf(0.975, own["people"] - 1) * own["se"]}  # none of one person
        figure.add_scatter(x=own["mark"], y=own["mean"], error_y=error, name=str(arm), mode="lines+markers")
    figure.update_xaxes(title="weeks since first visit", tickvals=list(WEEKS))
    figure.update_yaxes(title="valence index", range=[-1, 1])
    figure.write_html(path)


def main() -> None:
    """Print the means, and draw them if a second path is given."""
    table = means(load(Path(sys.argv[1])))
    print(table.to_string(index=False))
    if len(sys.argv) > 2:
        draw(table, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
