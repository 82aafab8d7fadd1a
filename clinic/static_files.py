"""Static files as browsers get them: named by their content, and compressed."""

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # WhiteNoise has no types
    """WhiteNoise's storage with gzip alone, and without a compressed copy of source maps, which only developers load.

    Brotli, which another package brings along, makes Plotly a sixth smaller and took a minute of processor time at the first start.
    """

    def create_compressor(self, **options: object) -> Compressor:
        """Return what compresses a file."""
        return Compressor(**options | {"extensions": (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"), "use_brotli": False})
