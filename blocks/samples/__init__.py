"""A small company that never was: four databases and a document folder for the first run and for the tests."""

from blocks.samples.make import SAMPLE_SOURCES, Samples, make_samples

__all__ = ["SAMPLE_SOURCES", "Samples", "make_samples"]
