"""Replays recorded executions in LocalStack's interpreter of the states language."""

import io
import json
import logging
import sys
import threading
import types

# Shim "no JVM": LocalStack evaluates JSONata by a Java program. The evaluator here is jsonata-python, a port of it.
# Shim "older Python": the module that installs Java and the one of EventBridge need Python 3.13.
PACKAGES, EVENTS = "localstack.services.stepfunctions.packages", "localstack.services.events.utils"
# Shim "no Batch": a task of AWS Batch, which the machines don't have, would bring all of moto.
for name in ("jpype", "jpype.imports", PACKAGES, EVENTS, "moto", "moto.batch", "moto.batch.utils"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["moto.batch.utils"].JobStatus = types.SimpleNamespace(SUCCEEDED="SUCCEEDED", FAILED="FAILED")
sys.modules[PACKAGES].jpype_jsonata_package = None
sys.modules[EVENTS].to_json_str = lambda value, separators=(",", ":"): json.dumps(value, separators=separators)

import jsonata
from answers import Run, main
from botocore.exceptions import ClientError
from localstack.aws.api.stepfunctions import StateMachineType
from localstack.services.stepfunctions.asl.component.common.retry import retrier_decl
from localstack.services.stepfunctions.asl.component.common.timeouts.timeout import EvalTimeoutError
from localstack.services.stepfunctions.asl.component.program.program import Program
from localstack.services.stepfunctions.asl.component.state.state import CommonStateField
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import lambda_eval_utils
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_callback,
    state_task_service_sfn,
)
from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function.wait_function import WaitFunction
from localstack.services.stepfunctions.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from localstack.services.stepfunctions.asl.eval.environment import Environment
from localstack.services.stepfunctions.asl.eval.evaluation_details import AWSExecutionDetails
from localstack.services.stepfunctions.asl.eval.event.event_manager import EventHistoryContext
from localstack.services.stepfunctions.asl.eval.program_state import ProgramEnded, ProgramError
from localstack.services.stepfunctions.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from localstack.services.stepfunctions.asl.jsonata import jsonata as localstack_jsonata
from localstack.services.stepfunctions.asl.parse.asl_parser import AmazonStateLanguageParser

logging.disable(logging.CRITICAL)

run: Run


def evaluate(expression):
    try:
        return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
    except Exception as error:
        raise localstack_jsonata.JSONataException("UNKNOWN", str(error)) from error


localstack_jsonata._eval_jsonata = evaluate


class Lambda:
    """Answers Invoke as it was recorded."""

    def invoke(self, **parameters):
        payload = json.loads(parameters["Payload"])
        arguments = {"FunctionName": parameters["FunctionName"], "Payload": payload}
        token = payload.get("taskToken") if isinstance(payload, dict) else None
        suffix = ".waitForTaskToken" if token in run.waiting else ""
        recorded = run.answer(f"arn:aws:states:::lambda:invoke{suffix}", arguments)
        if recorded is None:
            raise RuntimeError("not recorded")
        ending = recorded["ending"]
        if suffix and "answer" in recorded:
            run.waiting[token] = ending
            return invocation(recorded["answer"])
        if ending["kind"] == "timed-out":
            raise EvalTimeoutError()
        if ending["kind"] == "succeeded":
            return invocation(ending["output"])
        if ending["error"].startswith("Lambda."):
            raise client_error(ending["error"].removeprefix("Lambda."), ending["cause"])
        return {"FunctionError": "Unhandled", "StatusCode": 200, "Payload": body(json.loads(ending["cause"]))}


class StepFunctions:
    """Answers StartExecution and DescribeExecution as they were recorded."""

    def __init__(self):
        self.started = {}

    def start_execution(self, **parameters):
        names = {"stateMachineArn": "StateMachineArn", "name": "Name", "input": "Input"}
        arguments = {names[key]: value for key, value in parameters.items()}
        arguments["Input"] = json.loads(arguments["Input"])
        sync = arguments["StateMachineArn"] != run.recording["stateMachineArn"]
        resource = f"arn:aws:states:::states:startExecution{'.sync:2' if sync else ''}"
        recorded = run.answer(resource, arguments)
        if recorded is None:
            raise RuntimeError("not recorded")
        ending = recorded["ending"]
        if ending["kind"] == "failed" and "answer" not in recorded:
            raise client_error(ending["error"].removeprefix("StepFunctions.").removesuffix("Exception"), ending["cause"])
        arn = f"{arguments['StateMachineArn'].replace(':stateMachine:', ':execution:')}:{arguments['Name']}"
        self.started[arn] = (arguments, ending)
        return {"executionArn": arn, "startDate": "2026-01-01T00:00:00Z"}

    def describe_execution(self, executionArn):
        arguments, ending = self.started[executionArn]
        description = {
            "executionArn": executionArn,
            "stateMachineArn": arguments["StateMachineArn"],
            "name": arguments["Name"],
            "input": json.dumps(arguments["Input"]),
        }
        if ending["kind"] == "succeeded":
            return {**description, "status": "SUCCEEDED", "output": json.dumps(ending["output"]["Output"])}
        return {**description, "status": "FAILED"}


def invocation(result):
    answer = {key: value for key, value in result.items() if key != "Payload"}
    return {**answer, "Payload": body(result["Payload"])}


def body(value):
    return io.BytesIO(json.dumps(value).encode())


def client_error(code, message):
    metadata = {"HTTPStatusCode": 400, "RequestId": "request"}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "operation")


clients = {"lambda": Lambda(), "stepfunctions": StepFunctions()}


def client_for(service, region, state_credentials):
    return clients[service]


lambda_eval_utils.boto_client_for = client_for
state_task_service_sfn.boto_client_for = client_for


def wait_for_task_token(self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint):
    """Shim "task tokens": what came back is known at once."""
    token = callback_endpoint.callback_id
    ending = run.waiting[token]
    if ending["kind"] == "succeeded":
        return CallbackOutcomeSuccess(callback_id=token, output=json.dumps(ending["output"]))
    if ending["kind"] == "failed":
        return CallbackOutcomeFailure(callback_id=token, error=ending["error"], cause=ending["cause"])
    return CallbackOutcomeTimedOut(callback_id=token)


callback = state_task_service_callback.StateTaskServiceCallback
callback._eval_wait_for_task_token = wait_for_task_token

add_token = callback._eval_body


def note_task_token(self, env):
    """Tells the function's payload from one that carries a token of its own."""
    update = env.states.context_object.update_task_token

    def noted():
        token = update()
        run.waiting[token] = None
        return token

    env.states.context_object.update_task_token = noted
    try:
        add_token(self, env)
    finally:
        env.states.context_object.update_task_token = update


callback._eval_body = note_task_token

# Shim "no time": waits and the delays of retries take none.
retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: None)
WaitFunction._wait_interval = lambda self, env, wait_seconds: None

evaluate_program = Program._eval_body
evaluate_state = CommonStateField._eval_body


def noted_program(self, env):
    before = run.begin_line()
    try:
        evaluate_program(self, env)
    finally:
        run.end_line(before)


def noted_state(self, env):
    run.enter(self.name, env.states.get_input())
    evaluate_state(self, env)


Program._eval_body = noted_program
CommonStateField._eval_body = noted_state


def replay(recording):
    global run
    run = Run(recording)
    arn, machine = recording["executionArn"], recording["stateMachineArn"]
    role, started = "arn:aws:iam::123456789012:role/replay", "2026-01-01T00:00:00Z"
    program = AmazonStateLanguageParser.parse(recording["definition"])[0]
    execution = ExecutionData(
        Id=arn, Input=recording["input"], Name=arn.split(":")[-1], RoleArn=role, StartTime=started
    )
    env = Environment(
        aws_execution_details=AWSExecutionDetails(account=arn.split(":")[4], region=arn.split(":")[3], role_arn=role),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution=execution, StateMachine=StateMachineData(Id=machine, Name=machine.split(":")[-1])
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    worker = threading.Thread(target=program.eval, args=(env,), daemon=True)
    worker.start()
    worker.join(120)
    state = env.program_state()
    if isinstance(state, ProgramEnded):
        return run.result("SUCCEEDED", env.states.get_input(), None, None)
    if isinstance(state, ProgramError):
        return run.result("FAILED", None, state.error.get("error"), state.error.get("cause"))
    return run.result(type(state).__name__, None, None, None)


if __name__ == "__main__":
    main(replay)
