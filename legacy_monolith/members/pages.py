"""Registering, and one's own profile; logging in and out are Django's own views."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from legacy_monolith.members.forms import ProfileForm, RegistrationForm
from legacy_monolith.members.models import Member


def register(request: HttpRequest) -> HttpResponse:
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        messages.success(request, "Welcome to the shop.")
        return redirect("home")
    return render(request, "members/register.html", {"form": form})


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    # A copy of its own: an invalid form must not change the member that the page shows.
    member = Member.objects.get(pk=request.user.pk)
    form = ProfileForm(request.POST or None, request.FILES or None, instance=member)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile has been saved.")
        return redirect("profile")
    return render(request, "members/profile.html", {"form": form})
