"""The engine, the definitions and the shipped workflows."""
