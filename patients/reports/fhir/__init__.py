"""Records as bundles of FHIR R4 (4.0.1), for other systems of a hospital. docs/adr/0120-fhir.md says how and why."""
