"""Functions over tables, and the process that they run in."""
