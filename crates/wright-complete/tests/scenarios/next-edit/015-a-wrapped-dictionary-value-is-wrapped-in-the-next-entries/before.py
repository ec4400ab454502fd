LIMITS = {
    "free": 10,
    "team": 100,
    "company": 1000,
}
