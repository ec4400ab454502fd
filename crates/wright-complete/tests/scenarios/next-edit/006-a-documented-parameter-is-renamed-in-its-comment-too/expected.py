def resize(image, factor):
    """Scales an image.

    Args:
        image: the image to scale.
        factor: how much larger it gets.
    """
    width, height = image.size
    return image.resize((width * factor, height * factor))
