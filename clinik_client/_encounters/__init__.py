"""All that only the Encounter knows: its facade, its form in FHIR, and how a lost create is recognised."""
