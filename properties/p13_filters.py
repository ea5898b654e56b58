"""P13 - Filters.

    Every returned offer satisfies all given filters; every known offer that satisfies them is returned; sorting is
    total and stable.

Providers rent machines that are easily mistaken for each other: models whose names begin with another's, equal prices,
little memory in many GPUs. What is known is what they list; each question is asked with values that are in it or just
beside, and every page is followed to the last, from instance to instance. A read always names providers of its story:
else it would ask all that the gateway has.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from gatespec.checkers.answers import READ_PATH
from gatespec.checkers.offers import listings_of
from gatespec.checkers.selection import BOUNDS, FILTERS, PAGES_MAX, SORTED_BY, Known, chains_of, judge_selection
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import opens, told
from gatespec.hand_tables import Stock, hand_tables, shape_of
from gatespec.machines import CENTS, COUNTS, MODELS, PLACES, names_covered, stock_of
from gatespec.ports import Request
from gatespec.read_ports import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatespec.checkers.findings import Findings
    from gatespec.checkers.selection import Chain
    from gatespec.engine.tally import Story
    from gatespec.history import Context, Example

ANY = st.integers(0, 59)
MACHINES = st.lists(
    st.tuples(*(st.integers(0, len(known) - 1) for known in (MODELS, COUNTS, CENTS, PLACES))).map(list),
    min_size=1,
    max_size=12,
)
WHICH = st.integers(0, 15)
WHOM = st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)
ASKS = st.lists(st.tuples(st.integers(0, 7), ANY).map(list), max_size=4)
"""Filters but `provider`, by their place, each with a value by its place among those that fit what is known."""
SORTS = ("price", "-price", "performance", "-performance", "score", "-score")
SORT = st.integers(0, len(SORTS))
LIMITS = (1, 2, 3, 5, 20, 100)
LIMIT = st.integers(0, len(LIMITS))
UNKNOWN_WORDS = ("H10", "H100-S", "A", "RTX", "RTX-309", "L", "Q900", "H100-SXM-80GB-HBM3e", "GH")
"""Beginnings of models and families, and none."""
OTHERS = {
    "gpu_type": ("B200", "H200-SXM"),
    "region": ("sa-east",),
    "availability": ("available", "limited", "unavailable"),
    "compliance_tag": ("soc2", "iso27001"),
}
"""Values that are known words, whatever the providers list."""
ASKED = tuple(name for name in FILTERS if name != "provider")


class FiltersMachine(ReadMachine):
    """Somebody asks for parts of what a few providers rent, in any order, on pages of any size.

    Feature: provider-api-gateway, Property 13
    """

    @opens(machines=MACHINES, others=MACHINES)
    def two_providers_open(self, machines: list[list[int]], others: list[list[int]]) -> None:
        """They rent these, perhaps both the same."""
        self._open("two_providers_open", machines=machines, others=others)

    @told(adapter=WHICH)
    def another_api_opens(self, adapter: int) -> None:
        """A provider of another claimed adapter lists its table: other availabilities and markets.

        All but the GPUs that no table has: whether they are shown is left open.
        """
        self._open("another_api_opens", adapter=adapter)

    @told(whom=WHOM, filters=ASKS, sort=SORT, limit=LIMIT, instance=INSTANCES)
    def asks(self, whom: list[int], filters: list[list[int]], sort: int, limit: int, instance: int) -> None:
        """Ask, and follow the pages to the last."""
        self._follow(self._words(whom, filters, sort), limit, instance)

    @told(whom=WHOM, sort=SORT, first=INSTANCES)
    def asks_the_same_again(self, whom: list[int], sort: int, first: int) -> None:
        """Ask everywhere for all, whole and by small pages: what is sorted by is the same for many."""
        words = self._words(whom, [], sort)
        for limit, instance in ((len(LIMITS) - 1, first), (1, first + 1), (3, first)):
            self._follow(words, limit, instance)

    @told(whom=WHOM, word=st.integers(0, len(UNKNOWN_WORDS) - 1), instance=INSTANCES)
    def asks_for_a_gpu_that_nobody_knows(self, whom: list[int], word: int, instance: int) -> None:
        """The name begins like a model, or like nothing."""
        words = [*self._words(whom, [], len(SORTS)), ("gpu_type", UNKNOWN_WORDS[word])]
        self._follow(words, len(LIMITS), instance)

    @told(whom=WHOM, by=st.integers(0, len(ASKED) - 1), instance=INSTANCES)
    def asks_by_one_filter_alone(self, whom: list[int], by: int, instance: int) -> None:
        """With each value that fits, one after the other: on a bound, and beside it."""
        for value in range(len(_values(ASKED[by], Known.of(stocks_of(self.example))))):
            self._follow(self._words(whom, [[by, value]], value % (len(SORTS) + 1)), len(LIMITS) - 1, instance)

    def _open(self, step: str, **said: Any) -> None:  # noqa: ANN401 - as the step says it
        for stock in stocked_by(step, said, self.example.context):
            self.arrive(1, shape_of(stock.table.adapter))
            self.gateway.stock(self.providers[-1], stock.items())

    def _words(self, whom: Sequence[int], filters: Sequence[Sequence[int]], sort: int) -> list[tuple[str, str]]:
        known = Known.of(stocks_of(self.example))
        words = [("provider", name) for name in self.named(whom)]
        words += query_of(filters, known)
        return [*words, ("sort", SORTS[sort])] if sort < len(SORTS) else words

    def _follow(self, words: Sequence[tuple[str, str]], limit: int, instance: int) -> None:
        size = [("per_page" if limit % 2 else "limit", str(LIMITS[limit]))] if limit < len(LIMITS) else []
        cursor: str | None = None
        for page in range(PAGES_MAX):
            at = [("cursor", cursor)] if cursor else []
            path = f"{READ_PATH}?{urlencode([*words, *size, *at])}"
            self.ask(Request(self.reader, (instance + page) % self.gateway.instances, path=path))
            shown = next(listings_of(self.example, len(self.example.exchanges) - 1), None)
            if shown is None or not (cursor := shown.next_cursor):
                return


def stocked_by(step: str, said: Mapping[str, Any], context: Context) -> list[Stock]:
    """What each provider lists that a step brings."""
    if step == "two_providers_open":
        return [stock_of(said["machines"]), stock_of(said["others"])]
    if step != "another_api_opens":
        return []
    tables = [hand_tables()[adapter] for adapter in context.adapters or (PLAIN.adapter,)]
    asked_directly = [table for table in tables if not table.polled]
    table = asked_directly[said["adapter"] % len(asked_directly)]
    return [Stock(table, tuple(item for item in table.items if not item.unknown_gpu))]


def stocks_of(example: Example) -> dict[str, Stock]:
    """What each provider of the story lists, by its name."""
    names = [done.whom for done in example.disturbances if (done.what, done.how) == ("provider", "stocked")]
    stocks = [stock for step, said in example.story for stock in stocked_by(step, said, example.context)]
    return dict(zip(names, stocks, strict=False))


def query_of(filters: Sequence[Sequence[int]], known: Known) -> list[tuple[str, str]]:
    """The filters that these numbers choose, one that cannot be repeated once; the GPU by either of its names."""
    words: dict[tuple[str, str], None] = {}
    for place, value in filters:
        name = ASKED[place % len(ASKED)]
        values = _values(name, known)
        if name not in BOUNDS or not any(name == given for given, _ in words):
            words[name, values[value % len(values)]] = None
    alias = "gpu" if sum(value for _, value in filters) % 2 else "gpu_type"
    return [(alias if name == "gpu_type" else name, text) for name, text in words]


def _values(name: str, known: Known) -> list[str]:
    """What this filter can be given so that it matters: what is known, the bound itself and both its sides."""
    offers = [meant.fields for _, meant in known.offers.values()]
    if name in BOUNDS:
        found = sorted({offer[BOUNDS[name][0]] for offer in offers})
        step = type(found[0])("0.01") if BOUNDS[name][0] == "price_per_hour" else 1
        around = {value for one in found for value in (one - step, one, one + step) if value >= 0}
        return [f"{value:f}" for value in sorted(around)]
    if name == "gpu_type":
        named = {offer[field] for offer in offers for field in ("gpu_type", "gpu_family")}
        return [*sorted(named), *OTHERS[name]]
    return [*sorted({offer[name] for offer in offers if name in offer}), *OTHERS[name]]


def check(example: Example, since: int) -> Findings:
    """Every list, over all its pages."""
    return judge_selection(example, since, stocks_of(example))


def witness(example: Example) -> Counter[str]:
    """What the filters kept and dropped, and what was sorted."""
    marks: Counter[str] = Counter()
    known, chains = Known.of(stocks_of(example)), [chain for chain in chains_of(example) if chain.is_whole]
    for nth, chain in enumerate(chains):
        given = [name for name in FILTERS if name in chain.asked.any_of or name in chain.asked.one]
        bit = [name for name in given if 0 < len(known.kept_by(chain.asked, (name,))) < len(known.offers)]
        marks["filters-combined"] += len(bit) > COMBINED_MIN and bool(chain.ids)
        marks["inclusive-bounds"] += _is_on_a_bound(chain)
        marks["family-matched"] += _matched_a_family(chain, known)
        marks["ties-stable"] += any(_tied_alike(before, chain) for before in chains[:nth])
    marks["filter-matched"] += {name for chain in chains for name in _alone(chain, known)} >= DISCERNING
    marks["each-sort"] += {chain.asked.one.get("sort") for chain in chains} >= set(SORTS)
    return marks


COMBINED_MIN = 2
"""Of several filters together that each drop something, the provider is one."""
DISCERNING = frozenset(FILTERS) - {"availability", "compliance_tag"}
"""Those in which machines of any adapter differ: lambda lists only what is available, and knows of no compliance."""


def _alone(chain: Chain, known: Known) -> Iterator[str]:
    """Filters that kept something, whatever else was asked, and dropped something."""
    shown = set(chain.ids)
    for name in FILTERS:
        if name in chain.asked.any_of or name in chain.asked.one:
            kept = known.kept_by(chain.asked, (name,))
            if shown & kept and known.offers.keys() - kept:
                yield name


def _is_on_a_bound(chain: Chain) -> bool:
    bounds = {float(text) for name, text in chain.asked.one.items() if name.endswith("_price")}
    return any(float(offer["price_per_hour"]) in bounds for offer in chain.offers)


def _matched_a_family(chain: Chain, known: Known) -> bool:
    """Whether members of a family came, and something whose name only begins like it did not."""
    words = [word for word in chain.asked.any_of.get("gpu_type", ()) if names_covered(word)]
    dropped = [meant.fields["gpu_type"] for one, (_, meant) in known.offers.items() if one not in set(chain.ids)]
    return any(
        any(offer["gpu_family"] == word for offer in chain.offers)
        and any(name.startswith(word) and name not in names_covered(word) for name in dropped)
        for word in words
    )


def _tied_alike(before: Chain, chain: Chain) -> bool:
    sort = chain.asked.one.get("sort", "").removeprefix("-")
    if not sort or before.question != chain.question or before.ids != chain.ids:
        return False
    values = [offer[SORTED_BY[sort]] for offer in chain.offers]
    return len(set(values)) < len(values)


TWINS = [[0, 0, 1, 0], [1, 1, 1, 1], [6, 0, 2, 0], [4, 2, 2, 1], [7, 0, 0, 2], [8, 0, 3, 0], [9, 1, 3, 3], [6, 0, 2, 0]]
OLDER = [[10, 0, 0, 0], [11, 0, 1, 0], [12, 3, 4, 1], [13, 2, 4, 1], [3, 0, 5, 2], [2, 3, 5, 2]]
TOLD_FIRST: tuple[Story, ...] = (
    (
        ("two_providers_open", {"machines": TWINS, "others": OLDER}),
        *(("asks_by_one_filter_alone", {"whom": [0], "by": by, "instance": 0}) for by in range(len(ASKED))),
        ("asks", {"whom": [0], "filters": [[7, 2], [5, 5]], "sort": 0, "limit": 0, "instance": 0}),
        ("asks", {"whom": [0, 1], "filters": [[7, 1], [5, 1], [0, 2], [0, 5]], "sort": 3, "limit": 1, "instance": 1}),
        ("asks", {"whom": [0, 1], "filters": [[0, 0], [0, 4]], "sort": 1, "limit": 3, "instance": 1}),
        ("asks", {"whom": [0, 1], "filters": [[0, 0], [0, 3], [1, 1], [1, 2]], "sort": 2, "limit": 4, "instance": 0}),
    ),
    (
        ("two_providers_open", {"machines": TWINS, "others": OLDER}),
        *(("asks_the_same_again", {"whom": [0, 1], "sort": sort, "first": sort}) for sort in range(len(SORTS) + 1)),
    ),
    (
        ("two_providers_open", {"machines": OLDER, "others": TWINS}),
        ("another_api_opens", {"adapter": 1}),
        ("another_api_opens", {"adapter": 3}),
        *(("asks_by_one_filter_alone", {"whom": [0, 1, 2], "by": by, "instance": 1}) for by in range(len(ASKED))),
        *(
            ("asks_for_a_gpu_that_nobody_knows", {"whom": [0], "word": word, "instance": 0})
            for word in range(len(UNKNOWN_WORDS))
        ),
    ),
)

CHAPTER = Chapter(
    "P13",
    FiltersMachine,
    check,
    witness,
    settings={"component": UNHINDERED, "wire": {"GATEWAY_TTL_PRICING_S": "30", **UNHINDERED}},
    examples={"component": 80, "wire": 12},
    steps=6,
    told_first=TOLD_FIRST,
    needs=Needs(providers=0, each_adapter=60),
)
