"""The admin's login form: name, password and, for accounts with a second factor, a code. One text for whatever is wrong."""

from __future__ import annotations

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from unfold import widgets as unfold
from unfold.forms import AuthenticationForm

from queues.ledger import second_factor

WRONG = (
    "This is not right, or this is no staff account. Check the name, the password and, if you have set one up, the code. "
    "After five failures signing in from here is closed for fifteen minutes."
)


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Nobody is told whether the name, the password or the code was wrong, or whether it is closed for now."""

    error_messages = {**AuthenticationForm.error_messages, "invalid_login": WRONG, "inactive": WRONG}
    otp = forms.CharField(
        label="Code",
        required=False,
        max_length=16,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
        help_text="From your authenticator application, or a backup code. Empty if you have set up none.",
    )

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """After the password was found right. What is refused here counts like a wrong one. Raises ValidationError."""
        try:
            super().confirm_login_allowed(user)
            if not second_factor.passes(user, str(self.data.get("otp", ""))[:16]):
                raise self.get_invalid_login_error()
        except ValidationError:
            second_factor.tell_failure(self.request, user.get_username())
            raise

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(WRONG, code="invalid_login")
