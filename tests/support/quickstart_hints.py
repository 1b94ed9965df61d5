def hints(*_):
    return ""
