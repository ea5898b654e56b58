"""The rules of the gateway: pure functions of values; time and stores are arguments."""
