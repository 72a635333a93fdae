"""Tests of what changed in a source's schema, and of the repair of saved queries."""
