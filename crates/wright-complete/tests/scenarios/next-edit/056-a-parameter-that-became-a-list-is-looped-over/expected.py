def notify(users: list[User], text: str) -> None:
    for user in users:
        message = format_message(user, text)
        send(user.address, message)
