"""Reads folders of photos without a server: `affectline-read`, or from Python:

    from affectline.read import read_photos

    for photo in read_photos("photos"):
        print(photo.file, photo.state, [face.probabilities for face in photo.faces])

In a checkout the package is called `ml`, so it is `from ml.read import read_photos` and `python -m ml.read` there.
"""

from .faces import FaceReading, PhotoReading
from .photos import read_photos

__all__ = ["FaceReading", "PhotoReading", "read_photos"]
