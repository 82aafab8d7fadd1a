"""What a clinician carries away."""
