"""Show all parts that pages are made of, in both colour schemes."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.languages import both, tell
from selbsthelfer.portal.rendering import render
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.wording_stages import STAGE_STATES
from selbsthelfer.programmes.core.wording_status import TRANCHE_STATUSES

COLOURS: Final = (
    ("ground", Words("Grund der Seite", "Ground of the page")),
    ("ground-raised", Words("Grund von Feldern, die sich abheben", "Ground of panels that stand out")),
    ("ground-good", Words("Grund einer Erfolgsmeldung", "Ground of a success")),
    ("ink", Words("Schrift", "Text")),
    ("ink-soft", Words("Nebensächliche Schrift", "Text of lesser weight")),
    ("edge", Words("Kanten, die etwas bedeuten", "Edges that carry meaning")),
    ("edge-soft", Words("Kanten, die nur ordnen", "Edges that only divide")),
    ("accent", Words("Links und Knöpfe", "Links and buttons")),
    ("accent-ink", Words("Schrift auf Knöpfen", "Text on buttons")),
    ("good", Words("Gelungen", "Passed and done")),
    ("bad", Words("Verfehlt oder falsch", "Missed or wrong")),
    ("wait", Words("Hinweis", "Notice")),
)
"""The tokens of the stylesheet that are colours, and what each is for."""
SIZES: Final = ("text-small", "text", "text-large", "text-larger", "text-largest", "text-hero")
SPACES: Final = ("space-half", "space", "space-2", "space-3", "space-4")


class PartsForm(forms.Form):
    """One field of each kind; shown with what somebody entered wrong."""

    number = forms.CharField(
        label=both("Rufnummer", "Number"),
        help_text=both("Mit Vorwahl, zum Beispiel 0151 1234567.", "With the prefix, such as 0151 1234567."),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    mail = forms.EmailField(
        label=both("E-Mail-Adresse", "E-mail address"),
        error_messages={
            "invalid": both(
                "Das ist keine E-Mail-Adresse. Sie enthält ein @, zum Beispiel name@example.org.",
                "This is not an e-mail address. One has an @ in it, such as name@example.org.",
            )
        },
    )
    when = forms.ChoiceField(
        label=both("Wann?", "When?"),
        choices=[
            ("now", both("Sofort", "At once")),
            ("later", both("Zum Monatsende", "At the end of the month")),
        ],
        widget=forms.RadioSelect,
    )
    tariff = forms.ChoiceField(label=both("Tarif", "Tariff"), choices=[("s", "S"), ("m", "M"), ("l", "L")])
    words = forms.CharField(label=both("Nachricht", "Message"), widget=forms.Textarea(attrs={"rows": 3}))
    agrees = forms.BooleanField(label=both("Ich habe das gelesen.", "I have read this."))


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show every part by its name."""
    wrong = {"number": "0151 1234567", "mail": "name.example.org", "when": "now", "tariff": "m", "words": "…"}
    context = {
        "colours": [(name, tell(use)) for name, use in COLOURS],
        "sizes": SIZES,
        "spaces": SPACES,
        "form": PartsForm({**wrong, "agrees": "on"}, auto_id="part_%s"),
        "stage_badges": [(state.value, tell(words)) for state, words in STAGE_STATES.items()],
        "tranche_badges": [
            (status.value, tell(words))
            for status, words in TRANCHE_STATUSES.items()
            if status.value not in set(StageState)
        ],
    }
    return render(request, "portal/everybody/design.html", context)
