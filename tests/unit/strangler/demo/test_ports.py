import socket

from strangler.demo.ports import ANY, Ports, chosen, taken


def test_any_ports_are_free_and_different():
    with chosen(ANY) as ports:
        numbers = list(vars(ports).values())
        assert len(set(numbers)) == len(numbers)
        for number in numbers:
            with socket.create_server(("127.0.0.1", number)):
                pass


def test_a_free_port_is_taken_as_wanted():
    with chosen(ANY) as free:
        pass
    with chosen(free) as ports:
        assert ports == free
        assert taken(free, ports) == {}


def test_a_port_that_somebody_listens_on_is_replaced():
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        wanted = Ports(gateway=busy, admin=0, legacy=0, reviews=0, notices=0, kafka=0)
        with chosen(wanted) as ports:
            assert ports.gateway != busy
            assert taken(wanted, ports) == {"gateway": (busy, ports.gateway)}


def test_another_demo_gets_other_ports_before_anybody_listens():
    with chosen(ANY) as first, chosen(first) as second:
        assert not set(vars(first).values()) & set(vars(second).values())
