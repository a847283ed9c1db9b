from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.subscribers"
    label = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"
