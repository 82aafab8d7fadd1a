"""What a worker does with one photo. Only ids travel through the broker."""

import io
import logging
from functools import lru_cache

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import IntegrityError, transaction
from PIL import Image

from inference.models import MAX_ATTEMPTS, Prediction
from ml.serve.preprocess import to_pixels
from ml.serve.reader import FaceReader, WeightsError

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def face_reader() -> FaceReader:
    """Return this process's reader. Loaded by the first task of a worker child: sessions of the runtime do not survive a fork."""
    return FaceReader(settings.MODEL_DIR, engine=settings.MODEL_ENGINE)


@shared_task
def predict(prediction_id: str) -> None:
    """Read the photo of one queued prediction and store the result in the row. Run twice is run once."""
    prediction = Prediction.objects.claim(prediction_id)
    if prediction is None:
        return
    try:
        if not prediction.photo.may_be_read:  # consent was withdrawn, or the picture erased, while it waited
            prediction.refuse("no_consent")
            return
        with prediction.photo.image.open("rb") as file, Image.open(file, formats=["JPEG"]) as image:
            reading = face_reader().read(image.convert("RGB"), face=prediction.box_wanted)
        with transaction.atomic():
            prediction.record(reading)
    except SoftTimeLimitExceeded:
        prediction.fail("timed_out")
    except FileNotFoundError:  # lost, or the folder is not there on this computer: then another worker may find it
        if prediction.attempts < MAX_ATTEMPTS:
            prediction.release()
        else:
            prediction.fail("photo_missing")
    except WeightsError:
        log.exception("The model cannot be loaded; prediction %s waits", prediction_id)
        if prediction.attempts < MAX_ATTEMPTS:
            prediction.release()
        else:
            prediction.fail("model_unavailable")
    except IntegrityError:  # during an update: asked of another model than we have loaded, and ours has read this photo already
        prediction.give_way()
    except Exception:
        log.exception("Prediction %s failed", prediction_id)
        prediction.fail("reader_fault")


@shared_task
def explain(prediction_id: str) -> None:
    """Draw the map of what moved the score of a photo that was read. Nothing is lost when it fails: it can be asked for again."""
    wanted = Prediction.objects.filter(id=prediction_id, state=Prediction.State.DONE, explanation_requested_at__isnull=False)
    prediction = wanted.select_related("photo__visit__patient").first()
    if prediction is None or prediction.input_png is None or not prediction.photo.may_be_read:
        return
    reader = face_reader()
    if reader.model_version != prediction.model_version:  # another network's reasons would explain nothing
        return
    with Image.open(io.BytesIO(prediction.input_png), formats=["PNG"]) as image:
        pixels = to_pixels(image)
    explanation = reader.explain(pixels)
    prediction.record_explanation(explanation.draw(pixels), explanation.largest_drop)
