"""Access tokens of a provider that sells them. No clock: a script says when they end, whatever was said of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tokens:
    """What was sold, and what of it still is good."""

    owner: str
    """In every token, so that no two providers sell the same."""
    good: set[str] = field(default_factory=set, repr=False)
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """By refresh token, the client's secret that it was bought with."""
    _requests_left: int | None = None
    """Until all end; None: no end is set."""

    def sell(self, secret: str) -> tuple[str, str]:
        """A new token and its refresh token, to the client with that secret."""
        token = f"development-token-{self.owner}-{len(self._secrets) + 1}"
        refresh = f"{token}-again"
        self.good.add(token)
        self._secrets[refresh] = secret
        return token, refresh

    def bought_with(self, refresh: str) -> str:
        """The secret behind a refresh token; empty where that was never sold."""
        return self._secrets.get(refresh, "")

    def admits(self, token: str) -> bool:
        """Whether a token is good, for one request more."""
        if token not in self.good:
            return False
        if self._requests_left is not None:
            self.end_after(self._requests_left - 1)
        return True

    def end_after(self, requests: int | None) -> None:
        """End every token once so many more requests were made with any; 0: now; None: not at all."""
        self._requests_left = requests or None
        if requests == 0:
            self.good.clear()
