"""How the expressions develop across visits: the points, the baseline, the figure, its words and its small drawings.

| what | where |
|---|---|
| one point per visit that has photos, oldest first; for many patients in two queries | `points.py` |
| the patient's own usual range, or None before four visits | `baseline.py` |
| the last visit in words | `sentence.py`, `last_time.py` |
| two visits side by side | `compare.py` |
| all of it at once, for `patients/_timeline.html` | `page.py` |
| the Plotly figure, and the small drawings of the list | `plot/` |
"""
