"""Drills: losing a service while traffic runs."""
