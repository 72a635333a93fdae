"""The transforms of the shipped workflows."""
