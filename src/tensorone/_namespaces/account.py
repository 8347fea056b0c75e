"""`client.account`: credit and spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._account.balance import get_account

if TYPE_CHECKING:
    from tensorone._generated import Account as AccountState
    from tensorone._session.session import Session

__all__ = ["Accounts"]


class Accounts:
    """The account that owns the key. Nothing here bills anything."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self) -> AccountState:
        """Credit left, in US dollars, and what all resources cost now, in US dollars per hour.

        Raises:
            AuthenticationError: The key is not valid.
            OperationUnsupported: The server's schema has no such field; every other call still works.
            TensorOneError: Anything else in the tree of errors.

        Source: ``myself { clientBalance currentSpendPerHr }`` of the sibling API, by analogy.
        """
        return await get_account(self._session)
