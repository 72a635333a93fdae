"""Deployments say when, where, which version and who may."""
