def send(message, channel, retries):
    channel.write(message)


def broadcast(messages, channel, retries):
    for message in messages:
        send(message, channel, retries)
