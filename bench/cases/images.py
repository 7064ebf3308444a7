"""Non-local means of a picture of 512 × 512 pixels: patches of 7, displacements up to 10."""

from peers import OPENCV_PICTURE, SKIMAGE_PICTURE, VICINAL_PICTURE
from problem_images import photograph
from race import Case, Claim, Entrant


def cases():
    problem = photograph("box")
    yield Case(
        "images-box",
        "non-local means, 512 × 512 float32, box patches of 7, 21 × 21 pixels, each at its best h",
        [Entrant(c, problem) for c in (VICINAL_PICTURE, SKIMAGE_PICTURE, OPENCV_PICTURE)],
        [Claim("vicinal", ("scikit-image",), 15), Claim("vicinal", ("OpenCV",), 2)],
    )
    problem = photograph("gaussian")
    yield Case(
        "images-gaussian",
        "the same with Gaussian patches; scikit-image: its exact form",
        [Entrant(c, problem) for c in (VICINAL_PICTURE, SKIMAGE_PICTURE)],
        [Claim("vicinal", ("scikit-image",), 50)],
    )
