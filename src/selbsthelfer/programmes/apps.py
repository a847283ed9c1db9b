from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.programmes"
    label = "programmes"
    default_auto_field = "django.db.models.BigAutoField"
