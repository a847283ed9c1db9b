from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"
