"""What the scripts for each client check with."""


def check(holds, why):
    if not holds:
        raise AssertionError(why)


def same(found, wanted, order=lambda things: things):
    check(order(found) == order(wanted), f"{found!r} is not {wanted!r}")


def raises(kind, part, do, *args, **rest):
    try:
        do(*args, **rest)
    except kind as error:
        check(part is None or part in str(error), f"{error!r} has no {part!r}")
    else:
        check(False, f"{do.__name__} was not refused")
