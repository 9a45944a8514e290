"""Says what you want, and prints the offers as they come.  A whole program; nothing is written to disk.

    python examples/buyer.py ROUTER MESSAGING open:homes:boston 'beds=2' 'price=..800000 USD' --seconds 60

ROUTER and MESSAGING are what the two nodes print after `others use`.
"""

from __future__ import annotations

import argparse
import sys

import trio

import intentron

HOUR_MS = 3_600_000
FAILED, INTERRUPTED = 1, 130
NEXT = {
    "not-admitted": "see that ROUTER is the router and MESSAGING the messaging authority, and not the other way round",
    "unreachable": "see that both nodes run, and that the addresses are those that they print",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Publish a wish and print the offers as they come.")
    parser.add_argument("router", help="what the router prints after `others use`")
    parser.add_argument("messaging", help="what the messaging authority prints after `others use`")
    parser.add_argument("topic", help="a topic under open, as open:homes:boston")
    parser.add_argument("facets", nargs="*", help="as beds=2..")
    parser.add_argument("--offers", type=int, default=10, help="how many to ask for, and to wait for")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to wait at the most")
    given = parser.parse_args()
    given.router = intentron.parse_node_address(given.router)
    given.messaging = intentron.parse_node_address(given.messaging)
    given.topic = intentron.parse_topic_text(given.topic)
    given.facets = dict(intentron.parse_facet_text(text) for text in given.facets)
    return given


async def main(given: argparse.Namespace) -> None:
    wish = intentron.Wish(
        topic=given.topic,
        facets=given.facets,
        demand={"@type": "Demand"},
        offers=given.offers,
        terms=(),
        lifetime_ms=HOUR_MS,
    )
    published = None
    async with intentron.connect(router=given.router, messaging=given.messaging) as byway:
        with trio.move_on_after(given.seconds):
            published = await byway.publish(wish)
        if published is None:
            raise intentron.BywayError(f"nobody has signed for the wish within {given.seconds:g} s", code="unreachable")
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
        with trio.move_on_after(given.seconds):
            await byway.close(published)
            print("closed", flush=True)


def tell(error: BaseException) -> None:
    """One sentence for each thing that went wrong, and what to do about it.  Several tasks may have failed at once."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            tell(each)
    elif isinstance(error, intentron.BywayError):
        print(f"error   {error}  [{error.code}]", file=sys.stderr)
        next_step = NEXT.get(error.code) or error.next_step or "python examples/buyer.py --help"
        print(f"next    {next_step}", file=sys.stderr)


if __name__ == "__main__":
    status = FAILED
    try:
        trio.run(main, arguments())
        status = 0
    except* intentron.BywayError as errors:
        tell(errors)
    except* KeyboardInterrupt:
        print("stopped; the wish ends by itself within the hour", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)
