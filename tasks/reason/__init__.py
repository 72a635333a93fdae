"""Asking a model: classify, extract or synthesise what earlier nodes found, with a confidence that evidence bounds."""
