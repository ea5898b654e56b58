"""Asks a real API server whether it would take the manifests: `make k8s-check`."""
