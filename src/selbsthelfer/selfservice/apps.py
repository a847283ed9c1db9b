from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.selfservice"
    label = "selfservice"
    default_auto_field = "django.db.models.BigAutoField"
