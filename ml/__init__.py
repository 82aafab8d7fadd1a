"""The network and all that surrounds it: data, training, evaluation and reading. Knows no Django and no Celery."""
