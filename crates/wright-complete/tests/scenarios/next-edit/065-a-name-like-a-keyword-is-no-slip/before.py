def submit(form):
    return form.send()
