"""Self-service activities that finished, and the catalogue's counting classes for statements to join."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Kind(models.Model):
    """A row of the catalogue; a reference table, copied from `core/catalogue.toml`."""

    activity = Identifier(primary_key=True)
    counting_class = Identifier()
    online = models.BooleanField()


class Activity(models.Model):
    """A fact `selfservice.finished`.

    The key is led by what the counting classes ask for, so that one range of the index answers them; it
    includes the rest of the row (see migration 0002).
    """

    pk = models.CompositePrimaryKey("subscriber_id", "activity", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    activity = Identifier()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    succeeded = models.BooleanField()
