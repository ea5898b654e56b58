"""A TCP proxy that fails on demand, to stand between a gateway and its Redis or PostgreSQL.

A process of its own, so that it keeps its pace whatever the judge does: a Redis behind it is not slower because the
judge thinks. `python -m gatespec.proxy --control 21000` opens routes and changes their faults as it is told
over the control port; the judge's hand on it is `gatespec.proxy.client.ProxyControl`.
"""
