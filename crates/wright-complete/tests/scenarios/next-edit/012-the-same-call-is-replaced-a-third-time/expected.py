def report(rows):
    logger.info("start")
    for row in rows:
        logger.info(row)
    logger.info("done", len(rows))
    return rows
