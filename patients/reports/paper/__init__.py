"""Reports on paper: the record of a patient, or one visit, as a PDF."""
