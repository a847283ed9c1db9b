from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"
