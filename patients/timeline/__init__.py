"""How a patient's expressions develop across visits: the points, the baseline, the figure, and their summaries in words.

| what | where |
|---|---|
| one point per visit that has photos, oldest first; two queries for any number of patients | `points.py` |
| the patient's own baseline, or None before four visits | `baseline.py` |
| the last visit in words | `sentence.py`, `last_time.py` |
| two visits side by side | `compare.py` |
| all of it, for `patients/_timeline.html` | `page.py` |
| the Plotly figure, and the sparklines of the patient list | `plot/` |
"""
