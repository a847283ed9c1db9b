from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"
