"""An instance's own windows: exact, and bounded however many identities come by."""

from __future__ import annotations

from reference_gateway.core.limiter import Ask, LocalWindows

WINDOW_US = 1000


def ask(key: str, limit: int = 3) -> Ask:
    return Ask(key, limit, WINDOW_US)


def test_what_the_shared_store_admitted_counts_here_too() -> None:
    windows = LocalWindows()
    windows.note(ask("a"), 10_000, times=2)
    assert [windows.admit(ask("a"), 10_500).admitted for _ in range(2)] == [True, False]


def test_what_is_released_makes_room_again() -> None:
    windows = LocalWindows()
    assert [windows.admit(ask("a"), at_us).admitted for at_us in (10_000, 10_001, 10_002, 10_003)] == [True] * 3 + [
        False
    ]
    windows.release(ask("a"), 10_001)
    assert windows.admissions == 2
    assert [windows.admit(ask("a"), 10_004).admitted for _ in range(2)] == [True, False]


def test_releasing_what_is_not_there_changes_nothing() -> None:
    windows = LocalWindows()
    windows.release(ask("unknown"), 10_000)
    windows.note(ask("a"), 10_000)
    windows.release(ask("a"), 9_999)
    assert windows.admissions == 1


def test_an_identity_whose_window_has_passed_is_forgotten_when_others_come() -> None:
    windows = LocalWindows()
    for number in range(1000):
        windows.note(ask(f"early-{number}"), 10_000)
    for number in range(1000):
        windows.note(ask(f"late-{number}"), 20_000)
    assert (len(windows), windows.admissions) == (1000, 1000)


def test_identities_are_bounded_and_the_longest_idle_goes_first() -> None:
    windows = LocalWindows(identities_max=2)
    for key in ("a", "b", "a", "c"):
        windows.admit(ask(key, limit=2), 10_000)
    assert len(windows) == 2
    assert not windows.admit(ask("a", limit=2), 10_001).admitted


def test_admissions_are_bounded_over_all_identities() -> None:
    windows = LocalWindows(admissions_max=100)
    for number in range(10):
        windows.note(ask(f"k{number}"), 10_000, times=30)
    assert (len(windows), windows.admissions) == (3, 90)
