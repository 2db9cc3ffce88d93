"""MiniStack with what it lacks. Every shim says why it is there; README.md lists them."""

import copy
import json
import sys
import urllib.parse

import control_planes
import ministack.app as app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services.cloudformation import changesets, engine as cloudformation_engine, handlers, stacks  # noqa: F401
from ministack.services import eks, eventbridge, lambda_svc, secretsmanager, stepfunctions

# --- Shim "targets across regions": EventBridge delivers to a bus of another region and account, and the event keeps
# its own region and account. MiniStack drops it ("faithful" for SNS and SQS alone, by its own comment).
dispatch_to_bus = eventbridge._dispatch_to_event_bus


def dispatch_across(spec, event, *rest):
    with request_scope(spec.account_id, spec.region):
        place = (event.get("Account"), event.get("Region"))
        dispatch = eventbridge._dispatch_event

        def keeping_place(forwarded, *more):
            forwarded["Account"], forwarded["Region"] = place
            return dispatch(forwarded, *more)

        eventbridge._dispatch_event = keeping_place
        try:
            return dispatch_to_bus(spec, event, *rest)
        finally:
            eventbridge._dispatch_event = dispatch


eventbridge._dispatch_to_event_bus = dispatch_across


# --- Shim "condition keys": identity policies of the stage have keys that MiniStack does not fill in.
request_tag_context = iam_actions.request_tag_context


def request_context(service, action, body, *rest):
    context = dict(request_tag_context(service, action, body, *rest) or {})
    if action == "sts:AssumeRole":
        form = urllib.parse.parse_qs((body or b"").decode())
        context["sts:externalid"] = form.get("ExternalId", [None])[0]
    if service == "ecs":
        cluster = json.loads(body or b"{}").get("cluster")
        if cluster:
            place = f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster"
            context["ecs:cluster"] = cluster if cluster.startswith("arn:") else f"{place}/{cluster}"
    if action == "events:PutEvents":
        context["events:source"] = [entry.get("Source") for entry in json.loads(body).get("Entries", [])]
    if action == "secretsmanager:PutResourcePolicy":
        context["secretsmanager:blockpublicpolicy"] = str(json.loads(body).get("BlockPublicPolicy", False)).lower()
    return context


iam_actions.request_tag_context = request_context

# --- Shim "resources of ECS": MiniStack takes the cluster for every call that names one. By the Service Authorization
# Reference these calls are for the service, the task or the definition's family.
resource_arn = iam_actions.extract_resource_arn


def ecs_resource_arn(service, method, path, headers, body, params, region, account):
    found = resource_arn(service, method, path, headers, body, params, region, account)
    if service != "ecs":
        return found
    call = headers.get("x-amz-target", "").split(".")[-1]
    given = json.loads(body or b"{}")
    prefix = f"arn:aws:ecs:{region}:{account}"
    cluster = (given.get("cluster") or "default").split("/")[-1]
    if call in ("TagResource", "UntagResource", "ListTagsForResource"):
        return given.get("resourceArn", found)
    if call == "DescribeServiceDeployments":
        return given["serviceDeploymentArns"][0]
    if call in ("DescribeServices", "UpdateService", "CreateService", "ListServiceDeployments"):
        named = (given.get("services") or [given.get("service") or given.get("serviceName")])[0]
        return f"{prefix}:service/{cluster}/{named.split('/')[-1]}"
    if call == "RegisterTaskDefinition":
        return f"{prefix}:task-definition/{given['family']}:*"
    if call in ("DescribeTaskDefinition", "ListTaskDefinitions", "ListServices", "ListClusters"):
        return "*"
    if call == "DescribeClusters":
        return f"{prefix}:cluster/{given['clusters'][0].split('/')[-1]}"
    if call == "DescribeTasks":
        return f"{prefix}:task/{cluster}/{given['tasks'][0].split('/')[-1]}"
    if call == "ListTasks":
        return f"{prefix}:container-instance/{cluster}/*"
    return found


iam_actions.extract_resource_arn = ecs_resource_arn

enforce = iam_evaluator.enforce


def enforce_aloud(access_key, action, service, region, resource_arn="*", service_context=None):
    """Every denial is a line of the output: a flow that gets around one is not fine."""
    denied = enforce(access_key, action, service, region, resource_arn, service_context)
    if denied is not None:
        who = getattr(denied, "principal_arn", "").split("/")[-1]
        print(f"DENIED {who} {action} {resource_arn}", flush=True)
    return denied


iam_evaluator.enforce = enforce_aloud

# --- Shim "pseudo parameters in Conditions": MiniStack compares the text `AWS::Region` there, not the region.
evaluate_conditions = cloudformation_engine._evaluate_conditions


def evaluate_with_region(template, params):
    return evaluate_conditions(template, {**params, "AWS::Region": {"Value": get_region()}})


for module in list(sys.modules.values()):
    if getattr(module, "_evaluate_conditions", None) is evaluate_conditions:
        module._evaluate_conditions = evaluate_with_region

# --- Shim "ClientRequestToken": CreateSecret takes it as the version's id (API reference).
create_secret = secretsmanager._create_secret


def create_secret_with_token(data):
    token, new_uuid = data.get("ClientRequestToken"), secretsmanager.new_uuid
    if token:
        secretsmanager.new_uuid = lambda: token
    try:
        return create_secret(data)
    finally:
        secretsmanager.new_uuid = new_uuid


secretsmanager._create_secret = create_secret_with_token

# --- Shim "JSONata in TimeoutSeconds": Step Functions evaluates it; MiniStack hands the text on.
execute_task = stepfunctions._execute_task


def execute_task_with_timeout(state, given, execution, ctx):
    if isinstance(state.get("TimeoutSeconds"), str):
        seconds = stepfunctions._jsonata_state_field(state, "TimeoutSeconds", "number", given, ctx)
        state = {**state, "TimeoutSeconds": seconds}
    return execute_task(state, given, execution, ctx)


stepfunctions._execute_task = execute_task_with_timeout

# --- Shim "JSONata in a distributed Map": MiniStack reads JSONPath alone there, and runs an inline one rightly.
run_distributed = stepfunctions._run_distributed_map


def run_as_inline(state, given, effective, iterator, execution, ctx):
    inline = copy.deepcopy(state)
    inline["ItemProcessor"]["ProcessorConfig"] = {"Mode": "INLINE"}
    return stepfunctions._run_map_items(inline, given, execution, ctx)


stepfunctions._run_distributed_map = run_as_inline

# --- Shim "names of errors": Lambda reports an error by its name, on which the machines' Retry and Catch depend.
# MiniStack names every error of a handler Runtime.HandlerError.
MARK = "\u0001"
WRITTEN = "error: String(err.message || err), trace"
assert WRITTEN in lambda_runtime._NODEJS_WORKER_SCRIPT
lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
    WRITTEN, "error: String(err.name) + '\\u0001' + String(err.message || err), trace"
)
execute_warm = lambda_svc._execute_function_warm


def execute_with_name(*parameters):
    result = execute_warm(*parameters)
    body = result.get("body")
    if result.get("error") and isinstance(body, dict) and MARK in body.get("errorMessage", ""):
        name, message = body["errorMessage"].split(MARK, 1)
        result["body"] = {"errorType": name, "errorMessage": message}
    return result


lambda_svc._execute_function_warm = execute_with_name

# --- Shim "EKS without Docker": the cluster is the lab's simulated control plane.
describe_cluster = eks._describe_cluster
PLANES_URL, PLANES_CA = control_planes.serve()


def describe_simulated_cluster(name, *rest):
    status, headers, body = describe_cluster(name, *rest)
    answer = json.loads(body)
    if "cluster" in answer:
        plane = name.replace("ambient-", "mesh-")
        answer["cluster"].update(
            status="ACTIVE",
            endpoint=f"{PLANES_URL}/kubernetes/{plane}",
            certificateAuthority={"data": PLANES_CA},
        )
    return status, headers, json.dumps(answer).encode()


eks._describe_cluster = describe_simulated_cluster

# --- Shims "ECS without Docker" and "events of ECS".
import ecs_shims  # noqa: E402, F401

if __name__ == "__main__":
    app.main()
