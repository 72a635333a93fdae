"""Tests of the reason kind: pure rules first, then a real provider on loopback with a real ledger."""
