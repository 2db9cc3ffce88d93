"""What both interpreters are given: the answers of recorded tasks, and a place to note the states that they enter."""

import json
import re
import threading
from collections import defaultdict, deque

SUFFIX_OF_SDK = re.compile(r" \(Service: AWSLambda;.*\)$", re.DOTALL)


def normal(value):
    """The value without what differs in every run, or what AWS does not document: test/engines/asl/README.md."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    members = {key: normal(member) for key, member in value.items()}
    for key, stand_in in (("taskToken", "<token>"), ("since", "<time>")):
        if isinstance(members.get(key), str):
            members[key] = stand_in
    for error, cause in (("error", "cause"), ("Error", "Cause")):
        if members.get(error) == "States.Timeout":
            members[cause] = ""
        elif error in members and isinstance(members.get(cause), str):
            members[cause] = SUFFIX_OF_SDK.sub("", members[cause])
    return members


def key_of(resource, arguments):
    return json.dumps([resource, normal(arguments)], sort_keys=True)


class Run:
    """One recorded execution that is replayed."""

    def __init__(self, recording):
        self.recording = recording
        self.problems = []
        self.lines = []
        self.waiting = {}
        self._lock = threading.Lock()
        self._local = threading.local()
        self._answers = defaultdict(deque)
        for answer in recording["answers"]:
            self._answers[key_of(answer["resource"], answer["arguments"])].append(answer)

    def begin_line(self):
        """The states that this thread enters from here on are those of an iteration, or of the execution."""
        line = []
        with self._lock:
            self.lines.append(line)
        before = getattr(self._local, "line", None)
        self._local.line = line
        return before

    def end_line(self, before):
        self._local.line = before

    def enter(self, state, given):
        self._local.line.append({"state": state, "input": json.loads(json.dumps(given))})

    def answer(self, resource, arguments):
        """The next answer that was recorded for these arguments; None, and a problem, if there is none."""
        with self._lock:
            answers = self._answers[key_of(resource, arguments)]
            if answers:
                return answers.popleft()
            self.problems.append(f"asks what the lab was not asked: {resource} {json.dumps(normal(arguments))}")
            return None

    def result(self, status, output, error, cause):
        left = sum(len(answers) for answers in self._answers.values())
        if left:
            self.problems.append(f"does not ask {left} of {len(self.recording['answers'])} times what the lab was asked")
        ending = {"status": status, "output": output, "error": error or "", "cause": cause or ""}
        return {"lines": normal(self.lines), "ending": normal(ending), "problems": self.problems}


def main(replay):
    """Reads recordings from standard input, and writes what `replay` makes of each."""
    import sys

    recordings = json.load(sys.stdin)
    # What the interpreters print must not get between the results.
    out, sys.stdout = sys.stdout, sys.stderr
    json.dump([replay(recording) for recording in recordings], out)
    out.flush()
    # Threads of a replay that has failed would keep the process.
    import os

    os._exit(0)
