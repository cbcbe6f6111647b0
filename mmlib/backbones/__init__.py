"""Encoders that two or more chapters share."""
