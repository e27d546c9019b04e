"""Who goes where, for all orders that wait and all drivers who are free, at once. Pure."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

Matrix = npt.NDArray[np.float64]
"""What each column costs each row."""

Pairs = list[tuple[int, int]]
"""Row and column: an order and its driver."""

NEAR = 64
"""Among so many of its cheapest drivers an order's is looked for first."""

WHOLE = 250_000
"""A matrix of so few cells is solved as it is."""

_Indices = npt.NDArray[np.intp]


def solve(costs: Matrix) -> Pairs:
    """The most orders that can be served, and of all ways to do so one that costs least; `inf` may not be.

    Large matrices are pruned to each order's nearest drivers, which may cost a little; it costs nobody their
    driver: where somebody would stay without, all is solved exactly.
    """
    rows, columns = _usable(costs)
    if not rows.size:
        return []
    wanted = costs[np.ix_(rows, columns)]
    found = None if wanted.size <= WHOLE or columns.size <= rows.size else _among_near(wanted)
    if found is None:
        found = _exactly(wanted)
    return sorted((int(rows[row]), int(columns[column])) for row, column in found)


def first_come(costs: Matrix) -> Pairs:
    """Each order in its turn takes the cheapest driver that is left."""
    left = costs.copy()
    pairs: Pairs = []
    for row in range(len(left)):
        if not left.shape[1]:
            break
        column = int(left[row].argmin())
        if np.isfinite(left[row, column]):
            pairs.append((row, column))
            left[:, column] = np.inf
    return pairs


def _usable(costs: Matrix) -> tuple[_Indices, _Indices]:
    may = np.isfinite(costs)
    return np.flatnonzero(may.any(axis=1)), np.flatnonzero(may.any(axis=0))


def _exactly(costs: Matrix) -> Iterable[tuple[int, int]]:
    columns = _cheapest_columns(costs, min(costs.shape))
    wanted = costs[:, columns]
    may = np.isfinite(wanted)
    least = wanted[may].min()
    # Dearer than any way to serve one order more can be.
    forbidden = (wanted[may].max() - least + 1.0) * (min(wanted.shape) + 1)
    rows, chosen = linear_sum_assignment(np.where(may, wanted - least, forbidden))
    kept = may[rows, chosen]
    return zip(rows[kept].tolist(), columns[chosen[kept]].tolist(), strict=True)


def _cheapest_columns(costs: Matrix, count: int) -> _Indices:
    """The columns that are among the `count` cheapest of any row.

    With as many as there are rows none is lost that matters: of its n cheapest, n - 1 others can take n - 1.
    """
    if count >= costs.shape[1]:
        return np.arange(costs.shape[1])
    return np.unique(np.argpartition(costs, count, axis=1)[:, :count])


def _among_near(costs: Matrix) -> Iterable[tuple[int, int]] | None:
    """The same among each row's nearest alone; None where that leaves a row without."""
    count, width = costs.shape
    near = np.argpartition(costs, NEAR, axis=1)[:, :NEAR]
    rows, columns = np.repeat(np.arange(count), NEAR), near.ravel()
    said = costs[rows, columns]
    may = np.isfinite(said)
    rows, columns, said = rows[may], columns[may], said[may]
    least = said.min()
    # Each row has a way out of its own, so that there is always a matching; a zero would be no edge.
    out = np.full(count, (said.max() - least + 2.0) * (count + 1))
    edges = csr_array(
        (
            np.concatenate([said - least + 1.0, out]),
            (
                np.concatenate([rows, np.arange(count)]),
                np.concatenate([columns, width + np.arange(count)]),
            ),
        ),
        shape=(count, width + count),
    )
    matched, chosen = min_weight_full_bipartite_matching(edges)
    if (chosen >= width).any():
        return None
    return zip(matched.tolist(), chosen.tolist(), strict=True)
