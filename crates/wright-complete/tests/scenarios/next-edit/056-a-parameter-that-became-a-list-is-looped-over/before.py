def notify(user: User, text: str) -> None:
    message = format_message(user, text)
    send(user.address, message)
