from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
