"""Tests of what each kind of node does, a folder per subject."""
