"""Who may come in: passwords, sessions, services, signing keys, and what was taken back."""

from reference_gateway.edge.auth.together import Auth

__all__ = ["Auth"]
