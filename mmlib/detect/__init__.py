"""A small anchor-free detector: its head, its targets, its losses, and what it finds."""
