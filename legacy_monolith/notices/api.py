"""Notices and questions as JSON."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from legacy_monolith.api import answer, endpoint, not_found
from legacy_monolith.notices.models import Notice, Question
from legacy_monolith.parameters import Page, slug
from legacy_monolith.timestamps import iso


def shape(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.pk,
        "title": notice.title,
        "body": notice.body,
        "pinned": notice.pinned,
        "published_at": iso(notice.published_at),
    }


def question_shape(question: Question) -> dict[str, Any]:
    return {
        "id": question.pk,
        "category": question.category,
        "question": question.question,
        "answer": question.answer,
    }


def listing(request: HttpRequest) -> HttpResponse:
    return answer(Page.of(request).answer(Notice.objects.all(), shape))


def detail(request: HttpRequest, notice_id: int) -> HttpResponse:
    notice = Notice.objects.filter(pk=notice_id).first()
    if notice is None:
        raise not_found(f"There is no notice {notice_id}.")
    return answer(shape(notice))


def questions(request: HttpRequest) -> HttpResponse:
    category = slug(request, "category")
    rows = Question.objects.filter(category=category) if category else Question.objects.all()
    results = [question_shape(question) for question in rows]
    return answer({"count": len(results), "results": results})


notices = endpoint(GET=listing)
notice = endpoint(GET=detail)
faq = endpoint(GET=questions)
