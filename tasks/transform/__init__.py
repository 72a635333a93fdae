"""Computing with tables: a Python function named by import path, frames in, frame out."""
