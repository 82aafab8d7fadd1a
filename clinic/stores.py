"""Where stored files are: in a folder, or in a bucket of an object store that speaks S3."""

from typing import Any

from clinic.environment import env_str


def storage_from_environment() -> dict[str, Any]:  # Any: Django's own shape
    """Return the default of STORAGES: the folder MEDIA_ROOT, unless S3_BUCKET names a bucket (needs requirements-s3.lock)."""
    bucket = env_str("S3_BUCKET")
    if not bucket:
        return {"BACKEND": "encryption.storage.PrivateStorage"}
    options = {
        "bucket_name": bucket,
        "location": env_str("S3_PREFIX"),
        "endpoint_url": env_str("S3_ENDPOINT") or None,
        "region_name": env_str("S3_REGION", "us-east-1"),
        # Without them boto3 asks the host: the role of a virtual machine, for example.
        "access_key": env_str("S3_ACCESS_KEY") or None,
        "secret_key": env_str("S3_SECRET_KEY") or None,
    }
    return {"BACKEND": "encryption.object_storage.ObjectStorage", "OPTIONS": options}
