"""Finding things: a small detector without anchors, what its cells answer for, its losses, and its decoding."""
