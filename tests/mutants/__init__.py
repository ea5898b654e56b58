"""Tiny wrong gateways, each with one mistake, each killed by the property that it breaks."""
