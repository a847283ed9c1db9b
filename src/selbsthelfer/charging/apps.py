from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.charging"
    label = "charging"
    default_auto_field = "django.db.models.BigAutoField"
