"""What people do with their API keys. The access log records each."""

from django.db import transaction
from django.utils import timezone

from patients.audit.log import Actor, record_access
from patients.models import AccessLog, ApiToken, User
from patients.models.token import prefix_of


def make_key(owner: User, who: Actor, name: str, scope: str, days: int) -> str:
    """Return a new key of `owner`, which is not stored and cannot be shown again."""
    with transaction.atomic():
        key = ApiToken.issue(owner, name, scope, days)
        prefix = prefix_of(key)
        record_access(who, AccessLog.Action.PERMISSION, obj=owner, changed="key made", key_prefix=prefix, scope=scope, days=days)
    return key


def revoke_key(token: ApiToken, who: Actor) -> None:
    """End one key at once."""
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
        owner = User(pk=token.clinician_id)
        record_access(who, AccessLog.Action.PERMISSION, obj=owner, changed="key revoked", key_prefix=token.prefix)
