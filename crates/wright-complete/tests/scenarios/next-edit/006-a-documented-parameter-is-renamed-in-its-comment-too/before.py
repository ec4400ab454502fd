def resize(img, factor):
    """Scales an image.

    Args:
        img: the image to scale.
        factor: how much larger it gets.
    """
    width, height = img.size
    return img.resize((width * factor, height * factor))
