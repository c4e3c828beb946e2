from rich.console import Console

from strangler.admin import screen


def printed(group) -> str:
    console = Console(width=80, soft_wrap=True)
    with console.capture() as capture:
        console.print(group)
    return capture.get()


def change(name):
    says = f"route {name}: added"
    return {"what": f"route {name}", "before": None, "after": "there", "says": says}


def problem(severity):
    place = {"file": "routes.yaml", "line": 3, "column": 7}
    return {**place, "message": "write [a]", "severity": severity}


def test_a_long_list_of_changes_is_cut_with_its_count():
    said = printed(screen.changes([change(f"r{number}") for number in range(1042)]))
    assert "route r39: added" in said
    assert "route r40: added" not in said
    assert "and 1,002 more (--json lists all)" in said


def test_what_check_says():
    answer = {
        "problems": [problem("error"), problem("warning")],
        "right": [{"file": "other.yaml", "routes": 1, "upstreams": 2}],
    }
    assert printed(screen.checked(answer)).splitlines() == [
        "routes.yaml:3:7: write [a]",
        "routes.yaml:3:7: warning: write [a]",
        "other.yaml: right (1 route, 2 upstreams)",
        "1 problem",
    ]


def explained(count):
    considered = [{"route": f"r{n}", "reason": "the path is not /a"} for n in range(count)]
    considered.append({"route": "near", "reason": "the method is not one of GET"})
    return {
        "method": "POST", "target": "/x", "version": 1, "route": "", "action": "goes to legacy",
        "reason": "default", "bucket": -1, "group": "", "shares": [], "endpoints": [],
        "considered": considered,
    }  # fmt: skip


def test_of_many_routes_only_those_that_nearly_took_a_request_are_told():
    assert "not r4: the path is not /a" in printed(screen.explanation(explained(5)))
    said = printed(screen.explanation(explained(100)))
    assert "not near: the method" in said
    assert "not r4" not in said
    assert "and 100 more" in said


def test_what_a_change_acts_on():
    answer = {"version": 2, "previous": 2, "dry_run": False, "changes": []}
    assert "Acts on group reviews.\n" in printed(screen.done({**answer, "scope": "group reviews"}))
    assert "Goes back to version 4.\n" in printed(
        screen.done({**answer, "scope": "back to version 4"})
    )
