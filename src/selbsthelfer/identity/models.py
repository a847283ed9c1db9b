"""Who signs in, and the codes sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from selbsthelfer.kit.fields import Identifier
from selbsthelfer.subscribers.core.lines import LineRef


class Appearance(models.TextChoices):
    """How pages look."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class UserManager(BaseUserManager["User"]):
    """Finds users by the name under which they sign in."""

    def create_staff(self, name: str, password: str | None = None) -> User:
        """Add somebody who works for the operator and has no line."""
        user = self.model(name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who can sign in: the user of a line, or staff, who have none.

    `name` is a key that nobody is shown. `subject` is the operator's id of the line, kept here so that a page
    knows its line without asking again. The number is not kept: it is looked up.
    """

    user_id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = Identifier(unique=True)
    subscriber_id = models.UUIDField(null=True, unique=True)
    subject = Identifier(null=True)
    email = Identifier(blank=True, default="")
    password = Identifier(default="")
    password_set_at = models.DateTimeField(null=True)
    language = Identifier(blank=True, default="")
    appearance = Identifier(choices=Appearance.choices, default=Appearance.SYSTEM)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_login = None

    USERNAME_FIELD = "name"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    if TYPE_CHECKING:
        line_ended_at: datetime | None
        """When the line ended; set by `queries.user_in_session`."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="identity_email_of_one", fields=["email"], condition=~models.Q(email="")
            ),
            models.CheckConstraint(
                name="identity_line_by_both_names",
                condition=models.Q(subscriber_id__isnull=True, subject__isnull=True)
                | models.Q(subscriber_id__isnull=False, subject__isnull=False),
            ),
            models.CheckConstraint(
                name="identity_appearance_known", condition=models.Q(appearance__in=list(Appearance))
            ),
        ]

    @property
    def line(self) -> LineRef | None:
        """The line of this user; staff have none."""
        if self.subscriber_id is None or self.subject is None:
            return None
        return LineRef(self.subscriber_id, self.subject)


class Code(models.Model):
    """A one-time code that was sent; `user_id` or `subscriber_id` say whose it is.

    One with neither was asked for with a number that is nobody's. It can never be right.
    """

    code_id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    purpose = Identifier()
    subscriber_id = models.UUIDField(null=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    address = Identifier(default="")
    digest = Identifier()
    guesses = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)


class Tries(models.Model):
    """When something was tried, in microseconds since 1970, by a digest of what it was and who tried.

    Nobody looks at it any more from `ends_at` on. The table is not logged: it need not outlive a crash.
    """

    key = Identifier(primary_key=True)
    kept = ArrayField(models.BigIntegerField())
    ends_at = models.DateTimeField(db_index=True)


class Client(models.Model):
    """A system of the operator's that asks by the API, and what it may do there."""

    name = Identifier(primary_key=True)
    scopes = ArrayField(Identifier())
    requests_per_minute = models.IntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="identity_client_may_ask", condition=models.Q(requests_per_minute__gt=0)
            )
        ]


class ClientKey(models.Model):
    """A key of a client: never itself, only its digest. From `ends_at` on it is worth nothing."""

    key_id = Identifier(primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="keys")
    digest = Identifier()
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    last_used_on = models.DateField(null=True)


class ClientCalls(models.Model):
    """How many calls of a client's allowance for one minute since 1970 its servers have taken.

    `granted` is how many the last of them got. The table is not logged: it need not outlive a crash.
    """

    client = Identifier(primary_key=True)
    minute = models.BigIntegerField()
    taken = models.IntegerField()
    granted = models.IntegerField()


class Answer(models.Model):
    """What was answered to a request that must happen once: by client and by digest of the key it gave.

    `asked` is the digest of the request. While `status` is missing, the work has not been done.
    """

    pk = models.CompositePrimaryKey("client", "key")
    client = Identifier()
    key = Identifier()
    asked = Identifier()
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    made_at = models.DateTimeField(db_index=True)
