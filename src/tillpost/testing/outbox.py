# ruff: noqa: S101 - a suite of tests says what must hold by asserting it
"""What every outbox must do: one sender at a time, fences, holds, and a ledger that balances."""

from msgspec import structs

from tillpost.core.books import Leased
from tillpost.core.outcome import Outcome, State
from tillpost.ports import Outbox
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, NOW
from tillpost.testing.gateway_store import MakeStore

DELIVERED = Outcome(State.DELIVERED)


def lease_all(store: Outbox, now: float = NOW + 3600.0) -> list[Leased]:
    """Everything that is due an hour from now, for two minutes."""
    return store.lease(DESTINATION, now, 1000, 120.0)


def ids(leased: list[Leased]) -> list[int]:
    """The events of these leases."""
    return [item.delivery.event for item in leased]


def states(store: Outbox) -> dict[tuple[str, str | None], int]:
    """How many events stand where, of all destinations."""
    return {(state, why): n for _, _, state, why, n in store.tallies() if state != "accepted"}


class OutboxSuite:
    """Events on their way: to one sender at a time, until each has ended."""

    def test_what_is_due_goes_out_earliest_first(self, make_store: MakeStore) -> None:
        """Not what is due later, nor more than the limit."""
        store = make_store()
        store.commit(make.outgoing(5))
        assert ids(store.lease(DESTINATION, NOW + 2.0, 2, 120.0)) == [1, 2]
        assert ids(store.lease(DESTINATION, NOW + 2.0, 9, 120.0)) == [3]
        assert store.next_due(DESTINATION) == NOW + 3.0

    def test_a_leased_event_is_nobody_elses(self, make_store: MakeStore) -> None:
        """A second sender gets nothing while the lease lasts."""
        store = make_store()
        store.commit(make.outgoing(3))
        first = lease_all(store)
        assert ids(first) == [1, 2, 3]
        assert {item.delivery.state for item in first} == {State.LEASED}
        assert lease_all(store) == []
        assert store.next_due(DESTINATION) is None

    def test_destinations_are_apart(self, make_store: MakeStore) -> None:
        """One destination's sender never sees another's events."""
        store = make_store()
        store.commit(make.outgoing(1))
        store.commit(make.outgoing(1, 2, "other"))
        assert ids(lease_all(store)) == [1]
        assert ids(store.lease("other", NOW + 3600.0, 10, 120.0)) == [2]

    def test_an_expired_lease_goes_out_again_in_doubt(self, make_store: MakeStore) -> None:
        """With a new fence; what the slow sender settles afterwards does not count."""
        store = make_store()
        store.commit(make.outgoing(1))
        slow = lease_all(store, NOW + 10.0)
        assert lease_all(store, NOW + 129.0) == []
        fast = lease_all(store, NOW + 130.0)
        assert fast[0].delivery.fence > slow[0].delivery.fence
        assert fast[0].delivery.reason == "lease_expired"
        assert store.settle([(slow[0], Outcome(State.DEAD, "refused"))], NOW + 131.0) == 0
        assert store.settle([(fast[0], DELIVERED)], NOW + 131.0) == 1
        assert states(store) == {("delivered", None): 1}

    def test_an_expired_lease_waits_in_doubt_for_its_own_sender(
        self, make_store: MakeStore
    ) -> None:
        """Another destination's round frees it, and takes nothing of it."""
        store = make_store()
        store.commit(make.outgoing(1))
        lease_all(store, NOW + 10.0)
        assert store.lease("other", NOW + 200.0, 10, 120.0) == []
        assert states(store) == {("in_doubt", "lease_expired"): 1}
        assert store.next_due(DESTINATION) == NOW + 200.0

    def test_a_restart_gives_every_lease_back(self, make_store: MakeStore) -> None:
        """In doubt, since it may have been sent."""
        store = make_store()
        store.commit(make.outgoing(3))
        taken = lease_all(store)
        store.settle([(taken[0], DELIVERED)], NOW + 3600.0)
        assert store.free(NOW + 3600.0) == 2
        assert states(store) == {("delivered", None): 1, ("in_doubt", "restart"): 2}
        assert ids(lease_all(store)) == [2, 3]
        assert store.settle([(taken[1], DELIVERED)], NOW + 3600.0) == 0

    def test_a_settled_event_waits_as_long_as_it_was_told(self, make_store: MakeStore) -> None:
        """Counting its attempts, keeping the reason and the platform's words."""
        store = make_store()
        store.commit(make.outgoing(1))
        waiting = Outcome(State.PENDING, "rate_limited", "4: slow down", retry_after=60.0)
        assert store.settle([(lease_all(store)[0], waiting)], NOW + 5000.0) == 1
        assert store.next_due(DESTINATION) == NOW + 5060.0
        outcome = store.event_items(0, 1, None, None)[0]["outcomes"][0]
        assert outcome == {
            "destination": DESTINATION,
            "state": "pending",
            "reason": "rate_limited",
            "attempts": 1,
            "detail": "4: slow down",
        }
        assert lease_all(store, NOW + 5060.0)[0].delivery.attempts == 1

    def test_an_event_ends_once(self, make_store: MakeStore) -> None:
        """The same lease cannot be settled a second time; what has ended is never leased."""
        store = make_store()
        store.commit(make.outgoing(1))
        item = lease_all(store)[0]
        assert store.settle([(item, DELIVERED)], NOW + 1.0) == 1
        assert store.settle([(item, Outcome(State.DEAD))], NOW + 2.0) == 0
        assert lease_all(store) == []
        assert states(store) == {("delivered", None): 1}

    def test_folding_moves_only_what_no_sender_has_seen(self, make_store: MakeStore) -> None:
        """Held and dropped events may move; leased and delivered ones stay where they are."""
        store = make_store()
        held = [make.delivery(n, state=State.HELD, reason="join_wait") for n in (1, 2)]
        rows = [make.event_row(n) for n in (1, 2, 3)]
        store.commit(make.changes(events=rows, deliveries=[*held, make.delivery(3)]))
        assert ids(lease_all(store)) == [3]
        store.commit(
            make.changes(
                deliveries=[
                    make.delivery(1),
                    make.delivery(2, state=State.DROPPED, reason="cancelled"),
                    make.delivery(3, state=State.DROPPED, reason="cancelled"),
                ]
            )
        )
        assert states(store) == {
            ("pending", None): 1,
            ("dropped", "cancelled"): 1,
            ("leased", None): 1,
        }
        store.commit(make.changes(deliveries=[make.delivery(2)]))
        assert ids(lease_all(store)) == [1, 2]

    def test_the_ledger_balances(self, make_store: MakeStore) -> None:
        """Accepted is the sum of everything else, per shop and destination."""
        store = make_store()
        store.commit(make.outgoing(4))
        store.commit(make.outgoing(3, 5))
        leased = lease_all(store)
        ends = [DELIVERED, Outcome(State.DEAD, "refused"), Outcome(State.EXPIRED, "too_old")]
        store.settle(list(zip(leased[:3], ends, strict=True)), NOW + 1.0)
        rows = store.tallies()
        accepted = sum(n for *_, state, _, n in rows if state == "accepted")
        assert accepted == 7
        assert sum(n for *_, state, _, n in rows if state != "accepted") == accepted
        assert rows == sorted(rows, key=lambda row: (*row[:3], row[3] or ""))

    def test_a_pause_lasts_until_something_is_taken(self, make_store: MakeStore) -> None:
        """From the first refusal of everything to the first delivery, with its reason."""
        store = make_store()
        store.commit(make.outgoing(2))
        assert store.pauses() == []
        paused = Outcome(State.PAUSED, "token", retry_after=300.0)
        store.settle([(item, paused) for item in lease_all(store, NOW + 10.0)], NOW + 11.0)
        store.settle([(item, paused) for item in lease_all(store, NOW + 400.0)], NOW + 401.0)
        (open_one,) = store.pauses()
        assert (open_one.began_at, open_one.ended_at) == (NOW + 11.0, None)
        assert (open_one.destination, open_one.reason) == (DESTINATION, "token")
        store.settle([(item, DELIVERED) for item in lease_all(store, NOW + 900.0)], NOW + 901.0)
        (closed,) = store.pauses()
        assert (closed.began_at, closed.ended_at) == (NOW + 11.0, NOW + 901.0)

    def test_fresh_events_go_beside_the_most_urgent(self, make_store: MakeStore) -> None:
        """Seven of ten are fresh; the rest have the nearest deadlines, whenever they came."""
        store = make_store()
        rows = [make.event_row(n) for n in range(1, 41)]
        old = [
            make.delivery(n, due_at=NOW - 7200.0 + n, deadline=NOW + 9000.0 - n)
            for n in range(1, 21)
        ]
        new = [make.delivery(n, due_at=NOW - 40.0 + n, deadline=NOW + 9e5) for n in range(21, 41)]
        store.commit(make.changes(events=rows, deliveries=[*old, *new]))
        taken = store.lease(DESTINATION, float(NOW), 10, 120.0)
        assert sorted(ids(taken)) == [18, 19, 20, *range(21, 28)]
        assert {item.delivery.deadline for item in taken[:3]} == {
            NOW + 9000.0 - n for n in (18, 19, 20)
        }

    def test_a_healed_destination_waits_for_nothing(self, make_store: MakeStore) -> None:
        """What was to be tried later is due at once; other destinations' events are not."""
        store = make_store()
        store.commit(make.outgoing(2))
        store.commit(make.outgoing(1, 3, "other"))
        later = Outcome(State.PENDING, "transient", retry_after=900.0)
        store.settle([(item, later) for item in lease_all(store)], NOW + 3600.0)
        assert store.next_due(DESTINATION) == NOW + 4500.0
        assert store.hurry(DESTINATION, NOW + 3700.0) == 2
        assert store.next_due(DESTINATION) == NOW + 3700.0
        assert store.next_due("other") == NOW

    def test_what_was_built_first_is_kept(self, make_store: MakeStore) -> None:
        """And comes with every later lease, the same bytes."""
        store = make_store()
        store.commit(make.outgoing(1))
        waiting = Outcome(State.PENDING, "transient", retry_after=0.0)
        for payload in (b"first", b"second"):
            (item,) = lease_all(store)
            built = item if item.payload else structs.replace(item, payload=payload)
            store.settle([(built, waiting)], NOW + 3600.0)
        assert lease_all(store)[0].payload == b"first"

    def test_every_move_is_kept_with_its_reason(self, make_store: MakeStore) -> None:
        """In the order they were made, of each destination; the last is where it stands."""
        store = make_store()
        held = make.delivery(state=State.HELD, reason="join_wait")
        store.commit(make.changes(events=[make.event_row()], deliveries=[held]))
        store.commit(make.changes(deliveries=[make.delivery()]))
        slow = lease_all(store, NOW + 10.0)[0]
        fast = lease_all(store, NOW + 130.0)[0]
        store.settle([(slow, DELIVERED)], NOW + 131.0)
        store.settle([(fast, Outcome(State.DEAD, "refused", "100: no"))], NOW + 132.0)
        moves = store.transitions(1)
        assert [(m.state, m.reason, m.at) for m in moves] == [
            ("held", "join_wait", NOW),
            ("pending", None, NOW),
            ("leased", None, NOW + 10.0),
            ("in_doubt", "lease_expired", NOW + 130.0),
            ("leased", "lease_expired", NOW + 130.0),
            ("dead", "refused", NOW + 132.0),
        ]
        assert moves[-1].detail == "100: no"
        assert {move.destination for move in moves} == {DESTINATION}

    def test_the_most_urgent_that_waits_is_known(self, make_store: MakeStore) -> None:
        """By when it was received; what is in a sender's hands or has ended counts no more."""
        store = make_store()
        assert store.oldest() == []
        rows = [make.event_row(n, received_at=float(NOW + n)) for n in (1, 2)]
        store.commit(
            make.changes(
                events=rows,
                deliveries=[make.delivery(1, deadline=NOW + 9.0), make.delivery(2)],
                accepted={(make.SHOP, DESTINATION): 2},
            )
        )
        assert store.oldest() == [(make.SHOP, DESTINATION, NOW + 1.0)]
        first, second = lease_all(store)
        assert store.oldest() == []
        again = Outcome(State.PENDING, "transient", retry_after=1.0)
        store.settle([(first, DELIVERED), (second, again)], NOW + 3600.0)
        assert store.oldest() == [(make.SHOP, DESTINATION, NOW + 2.0)]

    def test_reports_see_where_every_purchase_stands(self, make_store: MakeStore) -> None:
        """By shop, order and destination; other events are not told of."""
        store = make_store()
        store.commit(make.outgoing(2))
        lead = make.event_row(3, event=make.event("e3", event_name="Lead"))
        store.commit(make.changes(events=[lead], deliveries=[make.delivery(3)]))
        store.settle([(lease_all(store)[0], Outcome(State.DEAD, "refused"))], NOW + 1.0)
        columns, rows = store.tables(["deliveries"])["deliveries"]
        assert columns == ["shop", "order_id", "destination", "state", "reason"]
        assert sorted(rows, key=lambda row: row[1]) == [
            (make.SHOP, "1001", DESTINATION, "dead", "refused"),
            (make.SHOP, "1002", DESTINATION, "leased", None),
        ]
