"""Losses that two or more chapters share, as functions."""
