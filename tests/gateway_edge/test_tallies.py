"""What is counted is what Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from reference_gateway.edge.tallies import Durations, Tally, Watched


def shown(collector: Tally | Durations | Watched) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_a_tally_counts_by_its_labels() -> None:
    tally = Tally("seen", "What was seen", "kind", "place")
    tally.add("bird", "tree")
    tally.add("bird", "tree", times=2)
    tally.add("cat", "tree")
    assert shown(tally) == ['seen_total{kind="bird",place="tree"} 3.0', 'seen_total{kind="cat",place="tree"} 1.0']


def test_a_duration_falls_into_every_bucket_that_is_not_below_it() -> None:
    durations = Durations("took_seconds", "How long it took", "route", (0.25, 1))
    for seconds in (0.25, 0.5, 1.0, 2.0):
        durations.add("/x", seconds)
    assert shown(durations) == [
        'took_seconds_bucket{le="0.25",route="/x"} 1.0',
        'took_seconds_bucket{le="1.0",route="/x"} 3.0',
        'took_seconds_bucket{le="+Inf",route="/x"} 4.0',
        'took_seconds_count{route="/x"} 4.0',
        'took_seconds_sum{route="/x"} 3.75',
    ]


def test_what_another_counts_is_looked_up_at_the_scrape() -> None:
    kept = [5]
    watched = Watched("lost", "What was lost", lambda: kept[0])
    assert shown(watched) == ["lost_total 5.0"]
    kept[0] = 6
    assert shown(watched) == ["lost_total 6.0"]
