"""The workflows that come with Holdfast: a YAML definition each, and the transforms that they name."""
