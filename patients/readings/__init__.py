"""What the model says of a photo, in words and cards, beside what a clinician says."""
