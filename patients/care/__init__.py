"""Who looks after a patient: clinicians, teams, and emergency access."""
