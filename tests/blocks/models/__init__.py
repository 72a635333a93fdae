"""Tests of models as blocks: the client against a real provider on loopback, prices, and the saved block."""
