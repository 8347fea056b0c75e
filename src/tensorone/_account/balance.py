"""The account's credit, and what all resources cost now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._session.session import known_account

if TYPE_CHECKING:
    from tensorone._generated import Account
    from tensorone._session.session import Session


async def get_account(session: Session) -> Account:
    """The request of `account.get`."""
    return known_account((await session.graphql.get_account()).myself, "GetAccount")
