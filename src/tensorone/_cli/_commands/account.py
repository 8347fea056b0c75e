"""`account`: balance, spend, and what runs."""

from __future__ import annotations

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply


async def account(*, common: Common = COMMON) -> Reply:
    """Show balance, spend per hour, and what runs.

    Example: tensorone account --json
    """
    from tensorone._cli import clusters
    from tensorone._cli._output.shapes import AccountDocument
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    async with service(common) as client:
        told = await client.account.get()
        known = await clusters.account(client)
    running = [each for each in clusters.documents(known) if each["status"] in {"up", "starting"}]
    balance, spend = told.client_balance, told.current_spend_per_hr
    left = balance / spend if balance is not None and spend else None
    document = AccountDocument(balance_usd=balance, usd_per_hour=spend, hours_left=left)
    lines = [
        f"balance   {'?' if balance is None else f'${balance:.2f}'}",
        f"spends    {'?' if spend is None else f'${words.dollars(round(spend, 4))} an hour'}",
        f"lasts     {'?' if left is None else words.ago(left * 3600)}",
        f"running   {words.several(len(running), 'cluster')}",
    ]
    shown = terminal().drawn(clusters.listing(running)) if running else ""
    return Reply({"account": document, "clusters": running}, "\n".join([*lines, *([shown] if shown else [])]))
