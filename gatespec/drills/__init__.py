"""Drills: a service is lost while traffic runs; what held meanwhile is judged from the record."""
