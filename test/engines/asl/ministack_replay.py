"""Replays recorded executions in MiniStack's interpreter of the states language."""

import json
import logging
import types

from answers import Run, main
from ministack.services import stepfunctions

logging.disable(logging.CRITICAL)

run: Run

# Shim "no time": waits and the delays of retries take none.
stepfunctions._scaled_sleep = lambda seconds: None
stepfunctions.time = types.SimpleNamespace(sleep=lambda seconds: None, time=stepfunctions.time.time)
stepfunctions._emit_execution_status_event = lambda execution: None


def give(recorded, ending):
    if recorded is None:
        raise stepfunctions._ExecutionError("States.Runtime", "not recorded")
    if ending["kind"] == "succeeded":
        return ending["output"]
    if ending["kind"] == "timed-out":
        raise stepfunctions._ExecutionError("States.Timeout", "")
    raise stepfunctions._ExecutionError(ending["error"], ending["cause"])


def invoke(resource, arguments, *_):
    recorded = run.answer(resource, arguments)
    return give(recorded, recorded and recorded["ending"])


# Shim "task tokens": what came back is known at once. MiniStack's own waiting also drops a function's error.
stepfunctions._invoke_resource = invoke
stepfunctions._invoke_resource_with_timeout = invoke
stepfunctions._invoke_with_callback = invoke

sub_machine = stepfunctions._run_sub_machine


def noted_sub_machine(*parameters):
    before = run.begin_line()
    try:
        return sub_machine(*parameters)
    finally:
        run.end_line(before)


stepfunctions._run_sub_machine = noted_sub_machine


def noted(execute):
    def execute_noted(state, given, *rest):
        run.enter(rest[-1]["State"]["Name"], given)
        return execute(state, given, *rest)

    return execute_noted


for name in ("_execute_pass", "_execute_task", "_execute_choice", "_execute_wait", "_execute_map", "_fail_state_error"):
    setattr(stepfunctions, name, noted(getattr(stepfunctions, name)))


def replay(recording):
    global run
    run = Run(recording)
    arn, machine = recording["executionArn"], recording["stateMachineArn"]
    stepfunctions._state_machines[machine] = {
        "definition": recording["definition"],
        "name": machine.split(":")[-1],
        "stateMachineArn": machine,
    }
    execution = {
        "executionArn": arn,
        "stateMachineArn": machine,
        "name": arn.split(":")[-1],
        "status": "RUNNING",
        "startDate": "2026-01-01T00:00:00Z",
        "input": json.dumps(recording["input"]),
        "output": None,
        "events": [],
    }
    stepfunctions._executions[arn] = execution
    before = run.begin_line()
    stepfunctions._run_execution(arn)
    run.end_line(before)
    if execution["status"] == "SUCCEEDED":
        return run.result("SUCCEEDED", json.loads(execution["output"]), None, None)
    return run.result(execution["status"], None, execution.get("error"), execution.get("cause"))


if __name__ == "__main__":
    main(replay)
