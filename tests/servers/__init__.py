"""Real peers on loopback, for the tests."""
