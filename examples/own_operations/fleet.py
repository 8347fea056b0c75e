"""Your own operations, run through the SDK's client: the same connections, repeats, errors and throttle.

Needs TENSORONE_API_KEY, and TENSORONE_API_URL if the service is an emulator.
"""

from fleet_graphql import READ_BILL, STOP_PAIR, GraphQLClient

import tensorone
from tensorone import TensorOne


async def main() -> None:
    """Prints the bill and the cheapest bid, then stops the two clusters that cost most."""
    async with TensorOne() as client:
        # Either hand an operation to the client …
        account = (await client.execute(READ_BILL)).myself
        if account is None:
            return
        print(f"balance ${account.client_balance:.2f}, spending ${account.current_spend_per_hr:.2f} an hour")

        # … or the client to the generated methods, whose arguments are typed.
        fleet = GraphQLClient(client)
        priced = [gpu for gpu in (await fleet.compare_prices(gpu_count=2)).gpu_types or [] if gpu and gpu.lowest_price]
        bids = {gpu.id: gpu.lowest_price.minimum_bid_price for gpu in priced if gpu.lowest_price}
        print("lowest bid for two GPUs:", min((bid, gpu) for gpu, bid in bids.items() if bid))

        running = [cluster for cluster in account.clusters or [] if cluster and cluster.desired_status == "RUNNING"]
        by_cost = sorted(running, key=lambda cluster: cluster.cost_per_hr or 0, reverse=True)
        if len(by_cost) >= 2:  # noqa: PLR2004 - a pair
            pair = {"first": by_cost[0].id, "second": by_cost[1].id}
            stopped = await client.execute(STOP_PAIR, pair)
            print("stopped:", *(state.id for state in (stopped.first, stopped.second) if state))


if __name__ == "__main__":
    tensorone.run(main)
