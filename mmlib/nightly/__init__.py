"""The night: plan what the claims ask for, run what is stale, judge it, publish what holds still, report the rest."""
