from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.demo"
    label = "demo"
    default_auto_field = "django.db.models.BigAutoField"
