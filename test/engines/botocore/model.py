"""Checks calls by botocore's service models: the members and values of requests and answers, and the errors."""

import base64
import binascii
import datetime

import botocore.session
import regex

# The lab's names of services that botocore names otherwise.
MODEL_NAMES = {"states": "stepfunctions", "cloudwatch": "cloudwatch", "sfn": "stepfunctions"}

# What every AWS API may answer, whether or not an operation's model declares it:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
COMMON_ERRORS = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidClientTokenId",
    "MalformedHttpRequestException",
    "NotAuthorized",
    "OptInRequired",
    "RequestAbortedException",
    "RequestEntityTooLargeException",
    "RequestExpired",
    "RequestTimeoutException",
    "SerializationException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
}

NUMBERS = {
    "integer": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
}


class Models:
    """The operations of the services, by the lab's names."""

    def __init__(self):
        self._session = botocore.session.get_session()
        self._services = {}

    def service(self, name):
        if name not in self._services:
            self._services[name] = self._session.get_service_model(MODEL_NAMES.get(name, name))
        return self._services[name]

    def operation(self, call):
        """The model of the call's operation. Raises OperationNotFoundError if AWS does not have it."""
        return self.service(call["service"]).operation_model(call["operation"])

    def is_text_only(self, call):
        """The query protocol carries every value as text, and lists and maps as members with numbers."""
        return self.service(call["service"]).metadata["protocol"] == "query"


def violations_of(models, call):
    """What the call breaks, as (kind, place, detail). Kinds: required, type, unknown, enum, pattern, length, range, error."""
    operation = models.operation(call)
    text_only = models.is_text_only(call)
    found = list(walk(operation.input_shape, call["input"], "input", text_only))
    if "error" in call:
        found += error_violations(operation, call)
    else:
        found += walk(operation.output_shape, call.get("output"), "output", text_only)
    return found


def error_violations(operation, call):
    declared = {shape.metadata.get("error", {}).get("code", shape.name): shape for shape in operation.error_shapes}
    name, status = call["error"], call.get("status")
    shape = declared.get(name)
    if shape is None:
        if name not in COMMON_ERRORS:
            yield "error", "error", f"{name} is neither declared nor common"
        return
    expected = shape.metadata.get("error", {}).get("httpStatusCode")
    if expected is None and shape.metadata.get("fault") and status < 500:
        yield "error", "error", f"{name} is the server's fault, but the status is {status}"
    if expected is not None and expected != status:
        yield "error", "error", f"{name} has status {expected}, not {status}"


def walk(shape, value, place, text_only):
    if shape is None:
        if value not in (None, {}):
            yield "unknown", place, "the operation has no members here"
        return
    check = CHECKS.get(shape.type_name, check_scalar)
    yield from check(shape, value, place, text_only)


def check_structure(shape, value, place, text_only):
    if not isinstance(value, dict):
        yield "type", place, f"{shown(value)} is not an object"
        return
    given = {serialized_name(shape, name): member for name, member in shape.members.items()}
    for name in shape.required_members:
        if value.get(serialized_name(shape, name)) is None:
            yield "required", f"{place}.{name}", "is missing"
    for name, inner in value.items():
        member = given.get(name)
        if member is None:
            yield "unknown", f"{place}.{name}", "AWS has no such member"
        elif inner is None:
            yield "type", f"{place}.{name}", "null"
        else:
            yield from walk(member, inner, f"{place}.{name}", text_only)
    if shape.is_tagged_union and len(value) != 1:
        yield "type", place, "a union has exactly one member"


def serialized_name(shape, name):
    """The member's name in JSON. What a REST request has in its path or query goes by the name of the member."""
    serialization = shape.members[name].serialization
    return name if "location" in serialization else serialization.get("name", name)


def check_list(shape, value, place, text_only):
    if not isinstance(value, list):
        yield "type", place, f"{shown(value)} is not a list"
        return
    yield from length(shape, len(value), place)
    for inner in value:
        yield from walk(shape.member, inner, f"{place}[]", text_only)


def check_map(shape, value, place, text_only):
    if not isinstance(value, dict):
        yield "type", place, f"{shown(value)} is not a map"
        return
    yield from length(shape, len(value), place)
    for key, inner in value.items():
        yield from walk(shape.key, key, f"{place}.(key)", text_only)
        yield from walk(shape.value, inner, f"{place}.(value)", text_only)


def check_string(shape, value, place, _text_only):
    if not isinstance(value, str):
        yield "type", place, f"{shown(value)} is not a text"
        return
    yield from length(shape, len(value), place)
    if shape.enum and value not in shape.enum:
        yield "enum", place, f"{shown(value)} is none of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not regex.fullmatch(pattern, value):
        yield "pattern", place, f"{shown(value)} does not match {pattern}"


def check_blob(shape, value, place, _text_only):
    try:
        size = len(base64.b64decode(value, validate=True))
    except (TypeError, ValueError, binascii.Error):
        yield "type", place, f"{shown(value)} is not base64"
        return
    yield from length(shape, size, place)


def check_number(shape, value, place, text_only):
    number = value
    if text_only and isinstance(value, str) and regex.fullmatch(r"-?\d+", value):
        number = int(value)
    whole = shape.type_name in NUMBERS
    if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
        yield "type", place, f"{shown(value)} is not {'a whole' if whole else 'a'} number"
        return
    low, high = NUMBERS.get(shape.type_name, (float("-inf"), float("inf")))
    low, high = max(low, shape.metadata.get("min", low)), min(high, shape.metadata.get("max", high))
    if not low <= number <= high:
        yield "range", place, f"{number} is not from {low} to {high}"


def check_boolean(_shape, value, place, text_only):
    if not isinstance(value, bool) and not (text_only and value in ("true", "false")):
        yield "type", place, f"{shown(value)} is neither true nor false"


def check_timestamp(_shape, value, place, text_only):
    """JSON has seconds since 1970; the query protocol has ISO 8601."""
    if text_only:
        try:
            datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            yield "type", place, f"{shown(value)} is not a time of ISO 8601"
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        yield "type", place, f"{shown(value)} is not a number of seconds"


def check_scalar(shape, _value, place, _text_only):
    raise ValueError(f"{place}: the check does not know the type {shape.type_name}")


def length(shape, size, place):
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))
    if not low <= size <= high:
        yield "length", place, f"{size} is not from {low} to {high}"


def shown(value):
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


CHECKS = {
    "structure": check_structure,
    "list": check_list,
    "map": check_map,
    "string": check_string,
    "character": check_string,
    "blob": check_blob,
    "integer": check_number,
    "long": check_number,
    "float": check_number,
    "double": check_number,
    "boolean": check_boolean,
    "timestamp": check_timestamp,
}
