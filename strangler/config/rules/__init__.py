"""What must hold across the route table: one function a rule, all of them in `RULES`.

A rule yields problems and never stops at one. Routes that are wrong by themselves are not among
what rules see, so that no problem is reported as a consequence of another.
"""

from __future__ import annotations

from strangler.config.rules.advice import (
    identity_is_stable,
    lists_name_somebody,
    neighbours_move_together,
)
from strangler.config.rules.agreement import groups_agree
from strangler.config.rules.names import groups_are_meant, unique_route_names
from strangler.config.rules.reach import routes_are_reachable
from strangler.config.rules.rewrites import prefixes_apply, redirects_lead_away
from strangler.config.rules.source import Rule, Source
from strangler.config.rules.streams import (
    check_owners,
    streams_have_own_databases,
    writes_have_one_side,
)
from strangler.kit.problems import Problem

__all__ = ["RULES", "Source", "check_owners", "check_table"]

RULES: tuple[Rule, ...] = (
    unique_route_names,
    groups_are_meant,
    routes_are_reachable,
    groups_agree,
    writes_have_one_side,
    streams_have_own_databases,
    prefixes_apply,
    redirects_lead_away,
    identity_is_stable,
    lists_name_somebody,
    neighbours_move_together,
)


def check_table(source: Source) -> list[Problem]:
    """What all rules find."""
    return [problem for rule in RULES for problem in rule(source)]
