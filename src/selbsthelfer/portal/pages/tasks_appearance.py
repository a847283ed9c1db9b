"""In which language and colours somebody reads the pages."""

from __future__ import annotations

from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from selbsthelfer.identity.models import Appearance
from selbsthelfer.identity.operations import choose_display
from selbsthelfer.kit.wording import Language, Words
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import both, keep_language, language_now
from selbsthelfer.portal.lines import own_line
from selbsthelfer.portal.rendering import LANGUAGE_NAMES, render
from selbsthelfer.portal.signing_in import needs_level, user_of
from selbsthelfer.selfservice.core.results import Detail
from selbsthelfer.selfservice.operations import report_done

APPEARANCES = {
    Appearance.SYSTEM: Words("Wie das Gerät", "Like the device"),
    Appearance.LIGHT: Words("Hell", "Light"),
    Appearance.DARK: Words("Dunkel", "Dark"),
}


class AppearanceForm(forms.Form):
    """Language and colours."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    language = forms.ChoiceField(
        label=both("Sprache", "Language"),
        help_text=both("Gilt auch für SMS und E-Mails von uns.", "Used for our texts and e-mails as well."),
        choices=[(code.value, name) for code, name in LANGUAGE_NAMES],
        widget=forms.RadioSelect,
        error_messages={"required": both("Bitte wählen Sie eine Sprache.", "Please choose a language.")},
    )
    appearance = forms.ChoiceField(
        label=both("Darstellung", "Display"),
        choices=[(value.value, both(words.de, words.en)) for value, words in APPEARANCES.items()],
        widget=forms.RadioSelect,
        error_messages={"required": both("Bitte wählen Sie eine Darstellung.", "Please choose a display.")},
    )


@needs_level(1)
@require_http_methods(["GET", "HEAD", "POST"])
def appearance(request: HttpRequest) -> HttpResponse:
    """Choose language and colours."""
    user = user_of(request)
    first = {"key": uuid4(), "language": language_now().value, "appearance": user.appearance}
    form = AppearanceForm(request.POST if request.method == "POST" else None, initial=first)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "portal/tasks/appearance.html", {"form": form}, status=status)
    language = Language(form.cleaned_data["language"])
    chosen = Appearance(form.cleaned_data["appearance"])
    choose_display(user=user, language=language.value, appearance=chosen.value)
    key: UUID = form.cleaned_data["key"]
    done = report_done(
        own_line(request),
        "acc.lang",
        key=f"acc.lang/{key}/{language.value}/{chosen.value}",
        now=now_of(request),
        details=_details(language, chosen),
    )
    response = HttpResponseRedirect(reverse("receipt", args=[done.receipt]))
    keep_language(response, language, is_secure=request.is_secure())
    return response


def _details(language: Language, chosen: Appearance) -> list[Detail]:
    name = dict(LANGUAGE_NAMES)[language]
    return [
        Detail(Words("Sprache", "Language"), Words(name, name)),
        Detail(Words("Darstellung", "Display"), APPEARANCES[chosen]),
    ]
