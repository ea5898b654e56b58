"""Chapters: one numbered property each, loaded by path."""
