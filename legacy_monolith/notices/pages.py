"""Notices, one notice, and the questions by category."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from legacy_monolith.notices.models import Notice, Question
from legacy_monolith.paging import page_of


def listing(request: HttpRequest) -> HttpResponse:
    return render(request, "notices/list.html", {"page": page_of(request, Notice.objects.all())})


def detail(request: HttpRequest, notice_id: int) -> HttpResponse:
    notice = get_object_or_404(Notice, pk=notice_id)
    return render(request, "notices/detail.html", {"notice": notice})


def faq(request: HttpRequest) -> HttpResponse:
    return render(request, "notices/faq.html", {"questions": Question.objects.all()})
