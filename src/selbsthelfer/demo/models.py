"""How far the clocks of the demo's lines were moved on."""

from __future__ import annotations

from datetime import timedelta

from django.db import models


class Clock(models.Model):
    """The clock of one line of the demo: `ahead` of everybody's. It can only be moved on."""

    subscriber_id = models.UUIDField(primary_key=True)
    ahead = models.DurationField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="clock_only_moves_on", condition=models.Q(ahead__gt=timedelta(0)))
        ]
