from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.activities"
    label = "activities"
    default_auto_field = "django.db.models.BigAutoField"
