"""The tasks of a worker: read one photo, explain one reading. Only ids travel through the broker."""

import io
import logging
from functools import lru_cache, partial

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import IntegrityError, transaction
from PIL import Image

from encryption.seal import SealBroken
from encryption.storage import StorageDown
from inference.memory import give_back_memory
from inference.models import Prediction
from inference.photo import CONSENT_PATH, ReadablePhoto
from inference.turn import claim_next
from ml.decode.made import NotOurPicture, check_made, open_made
from ml.serve.half_size import read_photo
from ml.serve.preprocess import to_pixels
from ml.serve.reader import FaceReader, WeightsError

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def face_reader() -> FaceReader:
    """Return the reader of this process. The first task of a worker child loads it: ONNX sessions do not survive a fork."""
    give_back_memory()
    return FaceReader(settings.MODEL_DIR, engine=settings.MODEL_ENGINE)


@shared_task
def predict(prediction_id: str) -> None:
    """Read the photo whose turn it is, of this prediction or of another that waits, and store the result in its row.

    There are as many messages as waiting photos. A second run of one does nothing when none waits.
    """
    prediction = claim_next(prediction_id)
    if prediction is None:
        return
    try:
        _read(prediction)
    except SoftTimeLimitExceeded:
        prediction.fail("timed_out")
    # The photo waits until the object store answers again, however long that takes.
    except StorageDown as error:
        log.error("%s; prediction %s waits", error, prediction.pk)
        prediction.release()
    # The file is lost, or its folder is not mounted on this computer; then another worker may find it.
    except FileNotFoundError:
        prediction.release_or_fail("photo_missing")
    except NotOurPicture:
        log.error("The picture of prediction %s is not one that we made", prediction.pk)
        prediction.fail("photo_damaged")
    # The file was changed, or is that of another photo: its reading would not be this patient's.
    except SealBroken:
        prediction.fail("photo_not_authentic")
    except WeightsError:
        log.exception("The model cannot be loaded; prediction %s waits", prediction.pk)
        prediction.release_or_fail("model_unavailable")
    # During an update: the row asks for another model than the loaded one, which has already read this photo.
    except IntegrityError:
        prediction.give_way()
    except Exception:
        log.exception("Prediction %s failed", prediction.pk)
        prediction.fail("reader_fault")


def _read(prediction: Prediction) -> None:
    photo: ReadablePhoto = prediction.photo
    # Consent may have been withdrawn, or the picture erased, while the prediction waited.
    if not photo.may_be_read:
        prediction.refuse("no_consent")
        return
    with photo.image.open("rb") as file:
        jpeg = file.read()
    width, _ = check_made(jpeg)
    reading = read_photo(face_reader(), partial(open_made, jpeg), width, prediction.box_wanted)
    with transaction.atomic():
        prediction.record(reading)


@shared_task
def explain(prediction_id: str) -> None:
    """Draw the explanation of a photo that was read. If this fails, the clinician can request it again."""
    requested = Prediction.objects.filter(id=prediction_id, state=Prediction.State.DONE, explanation_requested_at__isnull=False)
    prediction = requested.select_related(CONSENT_PATH).first()
    if prediction is None or prediction.input_png is None:
        return
    photo: ReadablePhoto = prediction.photo
    if not photo.may_be_read:
        return
    reader = face_reader()
    # An explanation by another network would not explain this reading.
    if reader.model_version != prediction.model_version:
        return
    with Image.open(io.BytesIO(prediction.input_png), formats=["PNG"]) as image:
        pixels = to_pixels(image)
    explanation = reader.explain(pixels)
    prediction.record_explanation(explanation.draw(pixels), explanation.largest_drop)
