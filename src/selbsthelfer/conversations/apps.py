from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.conversations"
    label = "conversations"
    default_auto_field = "django.db.models.BigAutoField"
