"""What changed in a source's schema since a saved query was good, and the query's repair or refusal."""
