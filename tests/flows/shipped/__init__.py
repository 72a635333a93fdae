"""The shipped workflows: their transforms, and whole runs of them beside services on loopback."""
