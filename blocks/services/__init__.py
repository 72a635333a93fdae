"""HTTP APIs that a run calls: where they are, who we are there, how they speak of limits, and when they are down."""
