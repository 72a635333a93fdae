"""The ways out: one door for each kind of place that a text is delivered to."""
