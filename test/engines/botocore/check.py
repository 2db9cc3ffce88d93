"""Reads recorded calls, one JSON object a line, from the file that is its argument; writes what they break as JSON."""

import collections
import json
import sys

from model import Models, violations_of
from mutations import proof


def main(path, mutations, seed):
    models = Models()
    with open(path, encoding="utf-8") as lines:
        calls = [json.loads(line) for line in lines]
    counts = collections.Counter()
    violating = collections.Counter()
    found = collections.Counter()
    sound = []
    for call in calls:
        name = f"{call['service']}.{call['operation']}"
        counts[name] += 1
        violations = {f"{name} {place}: {kind}: {detail}" for kind, place, detail in violations_of(models, call)}
        if violations:
            violating[name] += 1
            found.update(violations)
        else:
            sound.append(call)
    operations = [{"name": name, "calls": counts[name], "violating": violating[name]} for name in sorted(counts)]
    violations = [{"what": what, "calls": calls} for what, calls in sorted(found.items())]
    planted = proof(models, sound, mutations, seed)
    json.dump({"operations": operations, "violations": violations, "planted": planted}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], mutations=int(sys.argv[2]), seed=int(sys.argv[3]))
