"""Compares both sides of a stream while writes go on, and repairs through the same pipe."""
