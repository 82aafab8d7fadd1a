"""How a patient's expressions develop across visits: the points, the baseline, the figure, and their summaries in words.

| what | where |
|---|---|
| a point: one visit that has photos | `points.py` |
| which photos count | `tally.py` |
| the points of patients from stored summaries, oldest first; two queries for any number of patients | `summaries.py` |
| the patient's own baseline, or None before four visits | `baseline.py` |
| the last visit in words | `sentence.py`, `last_time.py` |
| two visits side by side | `compare.py` |
| all of it, for `patients/_timeline.html` | `page.py` |
| the Plotly figure, and the sparklines of the patient list | `plot/` |
"""
