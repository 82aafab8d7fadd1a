"""Questions to the broker. Knows no settings: `make run` asks before Django has started."""

from collections.abc import Callable
from typing import Any

import redis

TIMEOUT_SECONDS = 2


def ask_broker(url: str, question: Callable[[redis.Redis], Any]) -> Any:  # Any: the answer to any question
    """Return the answer of the broker at `url`; None when it is down."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS) as broker:
            return question(broker)
    except (redis.RedisError, ValueError):  # ValueError: this is no address of a broker
        return None


def broker_answers(url: str) -> bool:
    """Whether the broker at `url` answers a command."""
    return bool(ask_broker(url, lambda broker: broker.ping()))
