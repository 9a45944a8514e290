"""Says what you want, and prints the offers as they come.  A whole program; nothing is written to disk.

    python examples/buyer.py ROUTER MESSAGING open:homes:boston 'beds=2' 'price=..800000 USD' --seconds 60

ROUTER and MESSAGING are what the two nodes print after `others use`.
"""

from __future__ import annotations

import argparse

import trio

import intentron

HOUR_MS = 3_600_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Publish a wish and print the offers as they come.")
    parser.add_argument("router", type=intentron.parse_node_address)
    parser.add_argument("messaging", type=intentron.parse_node_address)
    parser.add_argument("topic", help="a topic under open, as open:homes:boston")
    parser.add_argument("facets", nargs="*", type=intentron.parse_facet_text, help="as beds=2..")
    parser.add_argument("--offers", type=int, default=10, help="how many to ask for, and to wait for")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to wait at the most")
    return parser.parse_args()


async def main(given: argparse.Namespace) -> None:
    wish = intentron.Wish(
        topic=f"urn:byway:topic:{given.topic}",
        facets=dict(given.facets),
        demand={"@type": "Demand"},
        offers=given.offers,
        terms=(),
        lifetime_ms=HOUR_MS,
    )
    async with intentron.connect(router=given.router, messaging=given.messaging) as byway:
        published = await byway.publish(wish)
        print("published", published.cast.id.hex(), flush=True)
        still_wanted = given.offers
        with trio.move_on_after(given.seconds):
            async with byway.offers(published) as offers:
                async for offer in offers:
                    price = intentron.describe(offer.body.price) if offer.body.price else "without a price"
                    print("offer", offer.body.offer.get("name", "without a name"), price, flush=True)
                    still_wanted -= 1
                    if not still_wanted:
                        break
        await byway.close(published)
        print("closed", flush=True)


if __name__ == "__main__":
    trio.run(main, arguments())
