from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.contacts"
    label = "contacts"
    default_auto_field = "django.db.models.BigAutoField"
