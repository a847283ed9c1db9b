from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.identity"
    label = "identity"
    default_auto_field = "django.db.models.BigAutoField"
