from django.apps import AppConfig


class RoomConfig(AppConfig):
    name = "selbsthelfer.portal"
    label = "portal"
