"""People and browsers, as in tests/admin."""

from tests.admin.conftest import actor, as_, user

__all__ = ["actor", "as_", "user"]
