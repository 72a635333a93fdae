"""Tests mirror the four rooms; servers/ holds real peers on loopback, benchmarks/ what is measured."""
