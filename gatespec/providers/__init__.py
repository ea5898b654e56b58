"""Simulated GPU providers: real wire formats, real prices, scripted faults, and a ledger of every call.

`python -m gatespec.providers --listen 127.0.0.1:9001 --providers lambda,lambda-07 --pool lambda:200` serves each
provider under `/{provider}/` and the judge's own API under `/_control/`. Drivers speak to the latter through
`gatespec.providers.control_client.ProvidersControl`.
"""
