"""Every order that was placed is billed once, whatever happens to the broker or to billing."""

import contextlib
import json

import pytest

COUNT = 50


def number_of(record):
    return json.loads(record.value)["number"]


def place(shop, count=COUNT):
    for number in range(count):
        shop.place_order(number, f"customer {number % 5}", 999)


def test_every_order_is_billed_though_acks_are_lost_and_the_broker_is_away(
    kafka, orders, shop, billing
):
    with kafka.lost_acks(2), kafka.down(at=0.02, seconds=1):
        place(shop)
        orders.wait_until_read(billing.group, timeout=30)
    orders.assert_nothing_lost(sent=range(COUNT), stored=billing.billed(), key=number_of)


def test_the_orders_of_a_customer_stay_in_their_order(kafka, orders, shop):
    with kafka.slow(5, at=0.05):
        place(shop)
    orders.assert_order_per_key(number_of)
    orders.assert_each_once(number_of, expected=range(COUNT))


def test_a_billing_that_is_killed_goes_on_where_it_was(orders, shop, billing):
    place(shop, 20)
    orders.wait_until_read(billing.group, timeout=30)
    billing.kill()
    for number in range(20, COUNT):
        shop.place_order(number, "customer 1", 999)
    billing.start()
    orders.wait_until_read(billing.group, timeout=30)
    orders.assert_nothing_lost(sent=range(COUNT), stored=billing.billed(), key=number_of)


def test_orders_that_were_read_and_not_stored_when_billing_was_killed_are_read_again(
    orders, shop, billing
):
    place(shop, 1)
    orders.wait_until_read(billing.group, timeout=30)  # it has made its table
    with billing.locked():  # it reads orders, and cannot store them
        place(shop)
        with contextlib.suppress(AssertionError):  # one that commits first does so now
            orders.wait_until_read(billing.group, timeout=1)
        billing.kill()
    billing.start()
    orders.wait_until_read(billing.group, timeout=30)
    orders.assert_nothing_lost(sent=range(COUNT), stored=billing.billed(), key=number_of)


def test_what_is_no_order_is_kept_and_the_others_are_billed(orders, dead_letters, shop, billing):
    shop.place_order(1, "customer 1", 999)
    orders.produce("not JSON", key="customer 1")
    shop.place_order(2, "customer 1", 999)
    orders.wait_until_read(billing.group, timeout=30)
    assert sorted(billing.billed()) == [1, 2]
    (letter,) = dead_letters.read()
    assert letter.value == b"not JSON"


@pytest.mark.needs_apache
def test_one_billing_has_all_partitions(orders, shop, billing):
    """Apache Kafka says who is in a group; the embedded broker does not."""
    place(shop)
    orders.wait_until_read(billing.group, timeout=30)
    (member,) = orders.members(billing.group)
    assert member.partitions == (0, 1, 2)
