"""What the engine costs, measured beside what it stands on; prints figures and asserts nothing."""
