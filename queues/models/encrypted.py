"""A text column that is sealed at rest. See queues.encryption."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import IsNull

from queues import encryption


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Sealed as it is stored, opened as it is read. Only whether it is null can be asked of the database.

    Raises CannotOpen where a row is read whose key is no longer there. An empty text stays one.
    """

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return text if text in (None, "") else encryption.seal(text, self.purpose)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return encryption.unseal(value, self.purpose) if encryption.is_sealed(value) else value

    @property
    def purpose(self) -> str:
        """What binds a value to this column: its table's and its own name."""
        return f"{self.model._meta.db_table}.{self.name}"

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return IsNull
        raise FieldError(f"{self.name} is encrypted: the database cannot look into it.")
