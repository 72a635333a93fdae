"""What a database has: its tables, views, columns and keys, read in bulk and kept as snapshots."""
