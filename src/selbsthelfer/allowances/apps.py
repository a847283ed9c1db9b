from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.allowances"
    label = "allowances"
    default_auto_field = "django.db.models.BigAutoField"
