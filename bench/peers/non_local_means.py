"""Non-local means: scikit-image's two forms, OpenCV's of bytes, and vicinal's."""

import numpy as np
from problem_images import DISTANCE, PATCH

from .contender import WHOLE, Contender, Unsuited, need


def _skimage(problem, threads):
    denoise = need("skimage.restoration", "scikit-image").denoise_nl_means
    h, fast = problem.h_of["scikit-image"], problem.patch == "box"
    return lambda: denoise(
        problem.noisy, PATCH, DISTANCE, h, fast_mode=fast, sigma=problem.sigma, preserve_range=True
    )


def _opencv(problem, threads):
    if problem.patch != "box":
        raise Unsuited("box patches")
    cv2 = need("cv2", "opencv-python-headless")
    cv2.setNumThreads(threads)
    given = np.clip(np.rint(problem.noisy * 255), 0, 255).astype(np.uint8)
    h = 255 * problem.h_of["OpenCV"]
    return lambda: cv2.fastNlMeansDenoising(given, None, h, PATCH, 2 * DISTANCE + 1)


def _vicinal(problem, threads):
    from vicinal.models import NonLocalMeans

    model = NonLocalMeans(
        patch_size=PATCH,
        patch_distance=DISTANCE,
        h=problem.h_of["vicinal"],
        sigma=problem.sigma,
        patch=problem.patch,
        n_jobs=threads,
    )
    return lambda: model.denoise(problem.noisy)


SKIMAGE_PICTURE = Contender("scikit-image", _skimage, "scikit-image", 4.0)
OPENCV_PICTURE = Contender("OpenCV, uint8", _opencv, "OpenCV", WHOLE)
VICINAL_PICTURE = Contender("vicinal", _vicinal, "vicinal", WHOLE)
