"""P12 - Normalisation.

    Every offer of every provider is returned in the Offer schema, exact in money, with canonical GPU and region names;
    an id appears once per answer (repeats from pages, endpoints or retries are merged, the newest wins); a malformed
    item is left out and counted, and never spoils its neighbours.

What stands on each API's wire and what it means was calculated by hand, in `spec/providers/`. Providers of every
adapter that the target claims list parts of it, in any order, at prices of their own, some of it twice, and nonsense
in between; the offers that each list means are known before anybody reads it. Where the gateway's metrics show what
spec/metrics.toml calls left out, they are counted too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from gatespec.checkers.answers import SHOWN
from gatespec.checkers.calls import OK
from gatespec.checkers.counted import METRICS_PATH, without_others
from gatespec.checkers.normalisation import judge_normalisation
from gatespec.checkers.offers import listings_of
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.crowd import is_in_process
from gatespec.engine.reading import FAILING, INSTANCES, UNHINDERED, Mood, ReadMachine
from gatespec.engine.story import opens, told
from gatespec.hand_tables import Listed, Stock, hand_tables, shape_of
from gatespec.ports import Request
from gatespec.read_ports import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatespec.checkers.findings import Findings
    from gatespec.checkers.offers import Listing
    from gatespec.engine.tally import Story
    from gatespec.hand_tables import HandTable, Meant
    from gatespec.history import Context, Example

LISTED_MAX = 24
WHICH = st.integers(0, 15)
"""An adapter, by its place among those that the target claims."""
PLACE = st.integers(0, 79)
"""An item, by its place in its table."""
PRICE = st.sampled_from((0, 4, 9, 14, 249_999, 12_345_678)) | st.integers(0, 99_999_999)
"""Around what only a decimal holds, and the halves of a millionth; and anywhere."""
PLACED = st.lists(st.tuples(PLACE, PRICE).map(list), max_size=3)
PAGES = st.sampled_from((0, 2, 3, 1))
"""Items on a page, where the API has pages; 0: as many as it is asked for."""
NONSENSE = ("null", "true", '"<html>502 Bad Gateway</html>"', "[]", "7")
"""Items that are none in any API."""
STOCKING = frozenset({"a_provider_opens", "a_provider_opens_that_lies", "a_provider_lists_its_whole_table"})
WHO = st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True)
FAILS: st.SearchStrategy[Mood] = st.sampled_from(FAILING)
TAKEN_OVER_MS, POLLED_MS, LOOK_MS = 1_000, 10_000, 50
"""A poll's list is everywhere within a second; it comes within many polls, and is looked for often."""


class NormalisationMachine(ReadMachine):
    """Providers of every claimed adapter list what a drawn part of their tables has, and somebody reads them.

    Feature: provider-api-gateway, Property 12
    """

    @opens(adapter=WHICH, places=st.lists(PLACE, min_size=1, max_size=LISTED_MAX), prices=st.lists(PRICE, max_size=6))
    def a_provider_opens(self, adapter: int, places: list[int], prices: list[int]) -> None:
        """It lists these items of its table, the first of them at prices of its own."""
        self._list("a_provider_opens", adapter=adapter, places=places, prices=prices)

    @told(adapter=WHICH, places=st.lists(PLACE, min_size=1, max_size=8), again=PLACED, lies=PLACED, page=PAGES)
    def a_provider_opens_that_lies(
        self, adapter: int, places: list[int], again: list[list[int]], lies: list[list[int]], page: int
    ) -> None:
        """It lists some items again at another price, perhaps on another page, and among them what is none."""
        said = {"adapter": adapter, "places": places, "again": again, "lies": lies, "page": page}
        self._list("a_provider_opens_that_lies", **said)

    @told(whom=WHO, instance=INSTANCES)
    def reads(self, whom: list[int], instance: int) -> None:
        """Read some of them together."""
        self.ask(self.read(self.named(whom), instance))

    @told(how=FAILS, instance=INSTANCES)
    def all_fail_once_known(self, how: Mood, instance: int) -> None:
        """What was read of them before is shown when they fail, and is as it was."""
        self.ask(self.read(self.providers, instance))
        for name in self.providers:
            self.become(name, how)
        self.let_age(1200)
        self.ask(self.read(self.providers, instance))
        for name in self.providers:
            self.become(name, "quick")

    @told(adapter=WHICH)
    def a_provider_lists_its_whole_table(self, adapter: int) -> None:
        """And is read on every instance."""
        self._list("a_provider_lists_its_whole_table", adapter=adapter)
        self.ask(*(self.read(self.providers[-1:], instance) for instance in range(self.gateway.instances)))

    @told()
    def somebody_looks_at_the_metrics(self) -> None:
        """Of every instance. In process there are none."""
        if not is_in_process(self):
            asked = [Request(self.reader, place, path=METRICS_PATH) for place in range(self.gateway.instances)]
            seen = self.gateway.play(asked)
            self.example.exchanges += [without_others(exchange, self.providers) for exchange in seen]

    def _list(self, step: str, **said: Any) -> None:  # noqa: ANN401 - as the step says it
        stocks = stocked_by(step, said, self.example.context)
        for stock in stocks:
            self.arrive(1, shape_of(stock.table.adapter, in_process=is_in_process(self)))
            page_items = said.get("page") if stock.table.paged else None
            self.gateway.stock(self.providers[-1], stock.items(), page_items or None)
        names = self.providers[-len(stocks) :]
        self._wait_for_polls(name for name, stock in zip(names, stocks, strict=True) if stock.table.polled)

    def _wait_for_polls(self, names: Iterator[str]) -> None:
        """Until each was polled since it is stocked, at most `POLLED_MS`, and a moment more: no read waits for it."""
        since, until = self.gateway.clock.now_ms(), self.gateway.clock.now_ms() + POLLED_MS
        for name in names:
            while not self._was_polled(name, since) and self.gateway.clock.now_ms() < until:
                self.gateway.wait(LOOK_MS)
            self.gateway.wait(TAKEN_OVER_MS)

    def _was_polled(self, name: str, since_ms: int) -> bool:
        """On a wire a sweep takes its time: it surely is over when the next one begins."""
        polls = [c for c in self.gateway.calls([name]) if c.outcome == OK and c.began_ms >= since_ms]
        return len(polls) > (0 if is_in_process(self) else 1)


def claimed(context: Context) -> tuple[str, ...]:
    """The adapters that the target claims."""
    return context.adapters or (PLAIN.adapter,)


def stocked_by(step: str, said: Mapping[str, Any], context: Context) -> list[Stock]:
    """What each provider lists that a step brings, in the order brought."""
    if step not in STOCKING:
        return []
    adapters = claimed(context)
    table = hand_tables()[adapters[said["adapter"] % len(adapters)]]
    if step == "a_provider_lists_its_whole_table":
        return [Stock(table, table.items)]
    chosen = [table.items[place] for place in dict.fromkeys(place % len(table.items) for place in said["places"])]
    if step == "a_provider_opens":
        priced = [_at(table, item, price) for item, price in zip(chosen, said["prices"], strict=False)]
        return [Stock(table, (*priced, *chosen[len(priced) :]))]
    listed = [*chosen, *_again(table, chosen, said["again"])]
    return [Stock(table, tuple(_with_lies(table, listed, said["lies"])))]


def _at(table: HandTable, item: Listed, price: int, suffix: str = "") -> Listed:
    return table.repriced(item, table.price.of(price), suffix) if table.price else item


def _again(table: HandTable, chosen: Sequence[Listed], again: Sequence[Sequence[int]]) -> list[Listed]:
    """Items that come twice, the second time at another price."""
    twice = [(chosen[place % len(chosen)], price, f"-again-{nth}") for nth, (place, price) in enumerate(again)]
    repeated = (_at(table, item, price, suffix) for item, price, suffix in twice)
    return [item for item, (before, *_) in zip(repeated, twice, strict=True) if item is not before]


def _with_lies(table: HandTable, listed: Sequence[Listed], lies: Sequence[Sequence[int]]) -> list[Listed]:
    """Among the items: nonsense, or the price of one of them that is none."""
    among = list(listed)
    for nth, (place, which) in enumerate(lies):
        at, no_price = place % len(among), table.price.no_price if table.price else ()
        lied = table.repriced(among[at], no_price[which % len(no_price)]) if no_price and which % 2 else among[at]
        if lied is not among[at]:
            among[at] = lied
        elif not table.polled:
            wire = NONSENSE[which % len(NONSENSE)]
            among.insert(at, Listed(f"nonsense-{nth}", among[at].document, wire, left_out=1))
    return among


def stocks_of(example: Example) -> dict[str, Stock]:
    """What each provider of the story lists, by its name."""
    names = [done.whom for done in example.disturbances if (done.what, done.how) == ("provider", "stocked")]
    stocks = [stock for step, said in example.story for stock in stocked_by(step, said, example.context)]
    return dict(zip(names, stocks, strict=False))


def check(example: Example, since: int) -> Findings:
    """Every list, and every count."""
    return judge_normalisation(example, since, stocks_of(example))


def witness(example: Example) -> Counter[str]:
    """What was shown of each kind of difficulty."""
    marks: Counter[str] = Counter()
    stocks, compared = stocks_of(example), set[str]()
    for listing in listings_of(example):
        if listing.exchange.status != SHOWN or listing.fault:
            continue
        for name in listing.asked.providers:
            stock, shown = stocks[name], listing.of(name)
            if shown and len(stock.listed) >= len(stock.table.items):
                compared.add(stock.table.adapter)
            marks["malformed-left-out"] += bool(stock.left_out and shown)
            marks["merged"] += _merged(stock, name, listing)
            marks["alias-resolved"] += any(_is_another_spelling(meant, item) for meant, item in _meanings(stock))
            marks["money-exact"] += any(_no_float_holds(offer["price_per_hour"]) for offer in shown)
    marks["every-adapter"] += compared >= set(claimed(example.context))
    return marks


def _merged(stock: Stock, name: str, listing: Listing) -> bool:
    times = Counter(meant.id_at(name) for meant, _ in _meanings(stock))
    return any(times[offer["id"]] > 1 for offer in listing.of(name))


def _meanings(stock: Stock) -> Iterator[tuple[Meant, Listed]]:
    return ((meant, item) for item in stock.listed for meant in item.means)


def _is_another_spelling(meant: Meant, item: Listed) -> bool:
    """Whether neither the GPU's canonical name nor the region's stands on the wire."""
    return all(f'"{meant.fields[name]}"' not in item.wire for name in ("gpu_type", "region"))


def _no_float_holds(price: Any) -> bool:  # noqa: ANN401 - JSON
    return not float(price).is_integer() and type(price)(float(price)) != price


ADAPTERS = len(hand_tables())
MANY = list(range(LISTED_MAX))
TOLD_FIRST: tuple[Story, ...] = (
    (
        ("a_provider_opens", {"adapter": 0, "places": [2, 0, 1], "prices": []}),
        *(("a_provider_lists_its_whole_table", {"adapter": which}) for which in range(ADAPTERS)),
        ("somebody_looks_at_the_metrics", {}),
    ),
    *(
        (
            ("a_provider_opens", {"adapter": which, "places": MANY, "prices": [12_345_674, 4, 14, 249_999, 9, 0]}),
            (
                "a_provider_opens_that_lies",
                {
                    "adapter": which,
                    "places": [3, 1, 0, 5, 4, 2],
                    "again": [[1, 7_777_775], [2, 1_000_004]],
                    "lies": [[0, 0], [5, 1], [4, 2], [3, 3]],
                    "page": 2,
                },
            ),
            ("reads", {"whom": [0, 1], "instance": 0}),
            ("all_fail_once_known", {"how": "babbles", "instance": 1}),
        )
        for which in range(ADAPTERS)
    ),
)
SHORT = {"GATEWAY_TTL_PRICING_S": "1", **UNHINDERED}

CHAPTER = Chapter(
    "P12",
    NormalisationMachine,
    check,
    witness,
    settings={"component": UNHINDERED, "wire": SHORT},
    examples={"component": 80, "wire": 12},
    steps=6,
    told_first=TOLD_FIRST,
    needs=Needs(providers=0, each_adapter=40, each_polled=12),
)
