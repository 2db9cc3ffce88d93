"""Plants violations in recorded calls that have none: the check must find each of them, as what it is and where it is."""

import copy
import random

import regex

from model import violations_of

KINDS = ["required", "type", "unknown", "enum", "pattern", "length", "range", "error"]


def proof(models, calls, count, seed):
    """Plants `count` violations, as many of each kind, in different places first. Returns by kind: planted, found."""
    chance = random.Random(seed)
    places = places_by_kind(models, calls, chance)
    result = []
    for index, kind in enumerate(KINDS):
        wanted = count // len(KINDS) + (1 if index < count % len(KINDS) else 0)
        candidates = places[kind]
        planted, missed = 0, []
        for number in range(wanted if candidates else 0):
            call, place, change = candidates[number % len(candidates)]
            mutated = copy.deepcopy(call)
            where = change(mutated, number // len(candidates))
            planted += 1
            if not any(found == kind and at == where for found, at, _detail in violations_of(models, mutated)):
                missed.append(f"{kind} at {call['service']}.{call['operation']} {place}")
        result.append({"kind": kind, "planted": planted, "found": planted - len(missed), "missed": missed})
    return result


def places_by_kind(models, calls, chance):
    """For each kind, where it can be planted: one place of each operation's shape, in random order."""
    places = {kind: {} for kind in KINDS}
    shuffled = list(calls)
    chance.shuffle(shuffled)
    for call in shuffled:
        operation = models.operation(call)
        name = f"{call['service']}.{call['operation']}"
        places["error"].setdefault(name, (call, "error", plant_error))
        for part, shape in (("input", operation.input_shape), ("output", operation.output_shape)):
            if shape is None or part not in call:
                continue
            for kind, path, place, change in changes_of(shape, call[part], (part,), part):
                places[kind].setdefault(f"{name} {place}", (call, place, at_path(path, place, change)))
    result = {}
    for kind, found in places.items():
        ordered = [found[key] for key in sorted(found)]
        chance.shuffle(ordered)
        result[kind] = ordered
    return result


def plant_error(call, attempt):
    call.pop("output", None)
    call["error"], call["status"] = f"NoSuchErrorException{attempt}", 400
    return "error"


def at_path(path, place, change):
    """A change of the whole call from one of the value's owner and its key."""

    def apply(call, attempt):
        owner = call
        for step in path[:-1]:
            owner = owner[step]
        return change(owner, path[-1], attempt) or place

    return apply


def changes_of(shape, value, path, place):
    """Every violation that can be planted in a valid value: (kind, path, place, change)."""
    kind = shape.type_name
    yield "type", path, place, set_to(wrong_type(kind))
    if kind == "structure":
        yield "unknown", path, place, add_member(place)
        for name in shape.required_members:
            if name in value:
                yield "required", (*path, name), f"{place}.{name}", remove
        for name, inner in value.items():
            if name in shape.members:
                yield from changes_of(shape.members[name], inner, (*path, name), f"{place}.{name}")
    elif kind == "list":
        yield from too_long(shape, path, place, lambda size: value[:1] * size if value else None)
        for index, inner in enumerate(value[:1]):
            yield from changes_of(shape.member, inner, (*path, index), f"{place}[]")
    elif kind == "map":
        for key, inner in list(value.items())[:1]:
            yield from changes_of(shape.value, inner, (*path, key), f"{place}.(value)")
    elif kind == "string":
        yield from changes_of_text(shape, path, place)
    elif kind in ("integer", "long"):
        high = shape.metadata.get("max", 2**31 - 1 if kind == "integer" else 2**63 - 1)
        low = shape.metadata.get("min", -(2**31) if kind == "integer" else -(2**63))
        yield "range", path, place, lambda owner, key, attempt: set_to((high + 1, low - 1)[attempt % 2])(owner, key, 0)


def changes_of_text(shape, path, place):
    if shape.enum:
        yield "enum", path, place, lambda owner, key, attempt: set_to(f"NO_SUCH_VALUE_{attempt}")(owner, key, 0)
    pattern = shape.metadata.get("pattern")
    if pattern is not None:
        wrong = next((text for text in ("\u0000", " ", "#~ é", "") if not regex.fullmatch(pattern, text)), None)
        if wrong is not None:
            yield "pattern", path, place, set_to(wrong)
    yield from too_long(shape, path, place, lambda size: "x" * size)


def too_long(shape, path, place, fill):
    longest = shape.metadata.get("max")
    if longest is not None and longest <= 100_000:
        value = fill(longest + 1)
        if value is not None:
            yield "length", path, place, set_to(value)
    if shape.metadata.get("min", 0) > 0:
        yield "length", path, f"{place}", set_to([] if shape.type_name == "list" else "")


def wrong_type(kind):
    """A value that no protocol takes for one of this type."""
    return [True] if kind in ("structure", "map", "string", "blob", "timestamp") else {"wrong": "type"}


def set_to(value):
    def change(owner, key, _attempt):
        owner[key] = value

    return change


def add_member(place):
    def change(owner, key, attempt):
        name = f"NoSuchMember{attempt}"
        owner[key][name] = "x"
        return f"{place}.{name}"

    return change


def remove(owner, key, _attempt):
    del owner[key]
