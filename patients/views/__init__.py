"""What a clinician meets, page by page."""
