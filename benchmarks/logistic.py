"""Logistic regression in a few lines: what the rules of the product are fitted with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEPS = 30


def logistic(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64], ridge: float = 3.0
) -> NDArray[np.float64]:
    """Return bias and coefficients of a ridge logistic regression by Newton's method, in the features' own units.

    `x` is (cases, features), `y` is 0 or 1, `weight` counts each case; `ridge` pulls on the coefficients of features
    of unit variance.
    """
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.hstack([np.ones((len(x), 1)), (x - mean) / scale])
    pull = np.diag([0.0, *[ridge] * x.shape[1]])
    beta = np.zeros(z.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-z @ beta))
        gradient = z.T @ (weight * (y - p)) - pull @ beta
        beta += np.linalg.solve((z.T * (weight * p * (1 - p))) @ z + pull, gradient)
    coefficients = beta[1:] / scale
    return np.array([beta[0] - coefficients @ mean, *coefficients])
