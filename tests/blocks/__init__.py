"""Tests of the doors to the outside, with real databases and servers on loopback."""
