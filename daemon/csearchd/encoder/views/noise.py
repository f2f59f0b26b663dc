"""Smooths pictures that are full of noise, which towers take for texture.

The noise is estimated as by Immerkær (Fast Noise Variance Estimation, 1996), but from the
differences of colour channels, where photos have few fine details, and by a median, so that
drawings count as free of noise. It is removed by non-local means (Buades, Coll, Morel: A non-local
algorithm for image denoising, 2005).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_NOISY = 5.0  # of 255: pictures with less noise are left as they are
_SAMPLED = 2  # every second pixel in each direction is looked at
_QUARTILE = 0.6745  # median magnitude of normal numbers, in standard deviations
_ASSUMED = 2.2  # times as much noise as was estimated: scaling has made it coarser
_REACH = 3  # pixels, from one to those that are averaged with it
_PATCH = 2  # pixels around both that are compared
_STRICTNESS = 0.6  # how unlike patches may be, in deviations of the noise

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]


def denoised(pixels: Pixels) -> Pixels:
    """`pixels`, uint8 (height, width, 3), with half of the noise taken away if there is much.

    Half is better than all: of what is smoothed wholly, fine details are missing.
    """
    if min(pixels.shape[:2]) <= 2 * (_REACH + _PATCH):
        return pixels
    deviation = noise_deviation(pixels)
    if deviation < _NOISY:
        return pixels
    image = pixels.astype(np.float32)
    smooth = _non_local_means(image, _ASSUMED * deviation)
    halved: Pixels = ((image + smooth) / 2).round().astype(np.uint8)
    return halved


def noise_deviation(pixels: Pixels) -> float:
    """The standard deviation of the noise in each channel of `pixels`, uint8 (height, width, 3)."""
    green = pixels[..., 1].astype(np.int16)
    found = []
    for channel in (0, 2):
        difference = pixels[..., channel] - green
        rows = difference[:-2] - 2 * difference[1:-1] + difference[2:]
        rows = rows[::_SAMPLED]
        response = rows[:, :-2:_SAMPLED] - 2 * rows[:, 1:-1:_SAMPLED] + rows[:, 2::_SAMPLED]
        found.append(float(np.median(np.abs(response))))
    # 36: the sum of the squared weights of the response; 2: a difference has the noise of both.
    return sum(found) / 2 / _QUARTILE / math.sqrt(36 * 2)


def _non_local_means(image: Plane, deviation: float) -> Plane:
    """Each pixel's mean with those nearby whose surroundings are like its own; float32 (height,
    width, 3)."""
    light: Plane = image.mean(axis=2, dtype=np.float32)
    variance = 2 * deviation**2 / 3  # of the difference of two pixels' brightness
    total, weights = image.copy(), np.ones(light.shape, np.float32)
    height, width = light.shape
    for down in range(_REACH + 1):
        for right in range(-_REACH, _REACH + 1):
            if (down, right) <= (0, 0):
                continue  # pairs are symmetric
            here = slice(height - down), slice(max(0, -right), width - max(0, right))
            there = slice(down, height), slice(max(0, right), width - max(0, -right))
            unlike = _patch_means((light[here] - light[there]) ** 2)
            weight = np.exp(-np.maximum(unlike - variance, 0) / (_STRICTNESS**2 * variance))
            total[here] += weight[..., None] * image[there]
            total[there] += weight[..., None] * image[here]
            weights[here] += weight
            weights[there] += weight
    mean: Plane = total / weights[..., None]
    return mean


def _patch_means(values: Plane) -> Plane:
    """The mean of the values around each, (height, width)."""
    side = 2 * _PATCH + 1
    padded: Plane = np.pad(values, ((_PATCH + 1, _PATCH), (_PATCH + 1, _PATCH)), mode="edge")
    sums = padded.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    patch = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    means: Plane = (patch / side**2).astype(np.float32)
    return means
