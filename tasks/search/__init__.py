"""Finding passages in document collections by full-text search, over an index that is brought up to date first."""
