from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.partners"
    label = "partners"
    default_auto_field = "django.db.models.BigAutoField"
