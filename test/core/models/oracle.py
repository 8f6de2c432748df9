"""What trained models must say, in exact fractions and straight from the definitions; shares no code with the product.

Reads {"paths": [[channels, converted, journeys], ...]}, writes
{"conversion": p, "removal": {channel: effect}, "shapley": {channel: orders}}, as texts "over/under".
"""
import json
import sys
from fractions import Fraction
from itertools import permutations


def chain(paths):
    steps = {}
    for channels, converted, journeys in paths:
        walk = [("start",)] + [("channel", one) for one in channels] + [("end", converted)]
        for here, there in zip(walk, walk[1:]):
            row = steps.setdefault(here, {})
            row[there] = row.get(there, 0) + journeys
    return {
        here: {there: Fraction(times, sum(row.values())) for there, times in row.items()}
        for here, row in steps.items()
    }


def probability(steps, removed=None):
    """Of ("end", True) from the start: x = Q x + r, solved by elimination; into `removed` is as good as lost."""
    unknown = [here for here in steps if here != removed]
    rows = []
    for here in unknown:
        row = {there: share for there, share in steps[here].items() if there in unknown}
        equation = [Fraction(int(here == other)) - row.get(other, 0) for other in unknown]
        rows.append(equation + [steps[here].get(("end", True), Fraction(0))])
    size = len(unknown)
    for column in range(size):
        pivot = next(at for at in range(column, size) if rows[at][column] != 0)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for at in range(size):
            if at != column and rows[at][column] != 0:
                factor = rows[at][column]
                rows[at] = [a - factor * b for a, b in zip(rows[at], rows[column])]
    return rows[unknown.index(("start",))][size]


def shapley(paths, channels):
    """The mean over all orders of joining of what each adds to the orders that need no one else."""
    sets = [(frozenset(one), journeys) for one, converted, journeys in paths if converted]

    def worth(coalition):
        return sum(journeys for needed, journeys in sets if needed <= coalition)

    values = {channel: Fraction(0) for channel in channels}
    orders = list(permutations(channels))
    for order in orders:
        coalition = frozenset()
        for channel in order:
            joined = coalition | {channel}
            values[channel] += Fraction(worth(joined) - worth(coalition), len(orders))
            coalition = joined
    return values


paths = json.load(sys.stdin)["paths"]
channels = sorted({channel for one, _, _ in paths for channel in one})
steps = chain(paths)
whole = probability(steps)
removal = {one: 1 - probability(steps, ("channel", one)) / whole for one in channels}
values = shapley(paths, channels) if len(channels) <= 7 else {}
text = lambda some: {name: str(value) for name, value in some.items()}
print(json.dumps({"conversion": str(whole), "removal": text(removal), "shapley": text(values)}))
