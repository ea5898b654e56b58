"""The gateway's rules without a wire: what a judge plays in process, under a clock of its own.

The same core decides and renders as behind HTTP; only sockets and batches are missing. Each step is a small method, so
that a wrong gateway is a subclass that gets one of them wrong.
"""

from reference_gateway.conformance.limits import OFFERS, with_field
from reference_gateway.conformance.reference import Reference

__all__ = ["OFFERS", "Reference", "with_field"]
