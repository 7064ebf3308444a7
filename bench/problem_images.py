"""A noisy picture to denoise by non-local means, and how close an answer comes to the clean one."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

EQUAL, EQUAL_BYTES = 0.05, 0.5  # decibels; of a peer of bytes, which takes no σ
PATCH, DISTANCE = 7, 10  # pixels of a patch, and how far away pixels may be
LEAST_ROWS = 64  # of a part
FIRST_ROW = 130  # of the photograph: below the sky


@dataclass(frozen=True)
class Picture:
    """Contenders return the picture in units of `clean`, each at the h that suits it best."""

    clean: np.ndarray  # (rows, columns), 0 to 1
    noisy: np.ndarray  # float32
    sigma: float
    patch: str  # box, gaussian

    @property
    def rows(self):
        return self.noisy.size

    @property
    def pairs(self):
        return self.noisy.size * (2 * DISTANCE + 1) ** 2

    @property
    def flops(self):
        """Count what a pair needs where squares are summed axis by axis."""
        return (2 + 4 * PATCH + 16 + 4) * self.pairs

    def first(self, share):
        count = max(LEAST_ROWS, round(len(self.noisy) * share))
        return replace(self, clean=self.clean[:count], noisy=self.noisy[:count])

    @property
    def answer_key(self):
        return id(self.noisy), self.patch

    @property
    def h_of(self):
        return {
            name: share * self.sigma
            for (name, patch), share in SHARES.items()
            if patch == self.patch
        }

    def decibels(self, picture):
        """Tell how close the rows come that no part's border touches."""
        rows = LEAST_ROWS - DISTANCE - PATCH // 2
        found = picture[:rows] / (255.0 if picture.dtype == np.uint8 else 1.0)
        return -10 * np.log10(np.mean((found - self.clean[:rows]) ** 2))

    def expected(self):
        """Ask scikit-image, of a part: its exact form takes minutes."""
        from skimage.restoration import denoise_nl_means

        part = self.noisy[:LEAST_ROWS].astype(float)
        h = self.h_of["scikit-image"]
        fast = self.patch == "box"
        return self.decibels(denoise_nl_means(part, PATCH, DISTANCE, h, fast, self.sigma))

    def judge(self, result, expected):
        found = self.decibels(result)
        least = expected - (EQUAL_BYTES if result.dtype == np.uint8 else EQUAL)
        status = "ok" if found >= least else "wrong"
        return Verdict(float(max(0.0, expected - found)), status, f"{found:.2f} dB")


# h in units of the noise at which each comes closest to the clean picture of `photograph`.
SHARES = {
    ("vicinal", "box"): 0.84,
    ("vicinal", "gaussian"): 0.9,
    ("scikit-image", "box"): 0.7,
    ("scikit-image", "gaussian"): 0.9,
    ("OpenCV", "box"): 1.05,
}


def photograph(patch, sigma=0.08, size=512):
    """A gray photograph, continued by reflection to a square, with Gaussian noise."""
    from sklearn.datasets import load_sample_image

    gray = load_sample_image("china.jpg").mean(axis=-1)[FIRST_ROW:, :size] / 255
    clean = np.pad(gray, ((0, size - len(gray)), (0, 0)), mode="reflect")
    noise = np.random.default_rng(0).normal(scale=sigma, size=clean.shape)
    return Picture(clean, (clean + noise).astype(np.float32), sigma, patch)
