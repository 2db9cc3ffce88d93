"""Reads policies, a JSON object by name, and writes what parliament finds in each as JSON."""

import json
import sys

from parliament import analyze_policy_string

found = []
for name, document in json.load(sys.stdin).items():
    for finding in analyze_policy_string(json.dumps(document)).findings:
        detail = finding.detail if isinstance(finding.detail, str) else json.dumps(finding.detail, default=str)
        found.append({"policy": name, "issue": finding.issue, "detail": detail})
json.dump(found, sys.stdout)
