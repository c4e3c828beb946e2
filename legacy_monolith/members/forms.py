"""Registration and profile."""

from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm

from legacy_monolith.members.models import Member

AVATAR_LIMIT = 2 * 1024 * 1024

# By their first bytes, whatever the file is called: an HTML page named .png is no picture.
PICTURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}


class RegistrationForm(BaseUserCreationForm):
    class Meta:
        model = Member
        fields = ("username", "display_name", "email")


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Member
        fields = ("display_name", "email", "avatar")

    def clean_avatar(self) -> Any:
        """A new picture gets a name of ours; the name that was sent is forgotten."""
        upload = self.cleaned_data["avatar"]
        if "avatar" not in self.files or not upload:
            return upload
        if upload.size > AVATAR_LIMIT:
            raise forms.ValidationError("The picture is larger than 2 MB.")
        head = upload.read(8)
        upload.seek(0)
        kinds = [kind for magic, kind in PICTURES.items() if head.startswith(magic)]
        if not kinds:
            raise forms.ValidationError("Please choose a PNG, JPEG or GIF picture.")
        upload.name = f"member{self.instance.pk}.{kinds[0]}"
        return upload
