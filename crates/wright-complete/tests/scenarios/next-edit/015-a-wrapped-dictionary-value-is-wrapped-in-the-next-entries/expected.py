LIMITS = {
    "free": {"limit": 10},
    "team": {"limit": 100},
    "company": {"limit": 1000},
}
