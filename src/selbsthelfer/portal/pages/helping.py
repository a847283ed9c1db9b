"""Help articles: found by a few words, and asked whether they have helped."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from selbsthelfer.portal.articles.helping import ARTICLES, MAX_SEARCH_CHARACTERS, Article, find_articles
from selbsthelfer.portal.clock import now_of
from selbsthelfer.portal.languages import language_now, tell
from selbsthelfer.portal.lines import line_of
from selbsthelfer.portal.pages.writing_forms import KeyedForm
from selbsthelfer.portal.rendering import render
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.selfservice.operations import report_done

MAX_MISSING_CHARACTERS: Final = 500
"""Of what somebody says was missing in an article."""
_CARRIED: Final = "missing_in_article"


@require_safe
def articles(request: HttpRequest) -> HttpResponse:
    """List the help articles, or those about something."""
    searched = request.GET.get("q", "")[:MAX_SEARCH_CHARACTERS].strip()
    found = find_articles(searched, language_now())
    context = {
        "searched": searched,
        "longest": MAX_SEARCH_CHARACTERS,
        "is_found": bool(found),
        "articles": [
            {"id": a.id, "title": tell(a.title), "summary": tell(a.summary)}
            for a in found or ARTICLES.values()
        ],
    }
    return render(request, "portal/helping/articles.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def article(request: HttpRequest, article_id: str) -> HttpResponse:
    """Show an article, and take whether it has helped."""
    shown = ARTICLES.get(article_id)
    if shown is None:
        raise Http404
    if request.method == "POST":
        return _vote(request, shown)
    context = {
        "id": shown.id,
        "title": tell(shown.title),
        "summary": tell(shown.summary),
        "steps": [tell(step) for step in shown.steps],
        "paragraphs": [tell(paragraph) for paragraph in shown.text],
        "task": shown.task,
        "task_name": tell(activity_name(shown.task)),
        "key": uuid4(),
        "is_thanked": request.GET.get("helped") == "yes",
        "longest": MAX_MISSING_CHARACTERS,
    }
    return render(request, "portal/helping/article.html", context)


def _vote(request: HttpRequest, shown: Article) -> HttpResponse:
    """Report an article that has helped; where one has not, take along what was missing."""
    line, form = line_of(request), KeyedForm(request.POST)
    if request.POST.get("helped") != "yes":
        text = request.POST.get("missing", "").replace("\0", "").strip()[:MAX_MISSING_CHARACTERS]
        request.session[_CARRIED] = {"article": shown.id, "text": text}
        return redirect(f"{reverse('contact')}?{urlencode({'article': shown.id})}")
    if line is None or not form.is_valid():
        return redirect(f"{reverse('article', args=[shown.id])}?helped=yes")
    done = report_done(line, "help.article", key=str(form.cleaned_data["key"]), now=now_of(request))
    return redirect("receipt", done.receipt)


def carried(request: HttpRequest, article_id: str) -> str:
    """Tell what somebody said was missing in an article; kept in their session, and in no address."""
    kept = request.session.get(_CARRIED, {})
    return str(kept.get("text", "")) if kept.get("article") == article_id else ""


urlpatterns = [
    path("help", articles, name="articles"),
    path("help/<slug:article_id>", article, name="article"),
]
