"""MiniStack with what it lacks. Every shim says why it is there; README.md lists them."""

import copy
import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request

import control_planes
import ministack.app as app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services.cloudformation import changesets, engine as cloudformation_engine, handlers, stacks  # noqa: F401
from ministack.services import ecs, eks, eventbridge, lambda_svc, secretsmanager, stepfunctions

WORLD = os.environ["WORLD_URL"]
BROKEN = ":broken"
STARTUP_SECONDS = 1.0


def emit(source, detail_type, resources, detail):
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def later(seconds, work):
    """Does the work in the account and region of this request."""
    account, region = get_account_id(), get_region()

    def run():
        time.sleep(seconds)
        with request_scope(account, region):
            work()

    threading.Thread(target=run, daemon=True).start()


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
    if call in ("DescribeServices", "UpdateService", "CreateService"):
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

# --- Shim "ECS without Docker": tasks have an address, start within a second, get their service's tags, and fail when
# their image is broken. MiniStack's are RUNNING at once, without an address.
ecs._get_docker = lambda: None
run_task, mark_stopped = ecs._run_task, ecs._mark_task_stopped
addresses = iter(range(1, 1 << 16))


def tags_of(arn):
    return [dict(tag) for tag in ecs._tags.get(arn, [])]


def tell_world(task):
    """istiod and the discovery of tasks are the simulator's."""
    service = service_of(task)
    if service is None:
        return
    as_map = lambda tags: [[tag["key"], tag["value"]] for tag in tags]
    change = {
        "taskArn": task["taskArn"],
        "serviceArn": service["serviceArn"],
        "serviceName": service["serviceName"],
        "lastStatus": task["lastStatus"],
        "healthy": task["lastStatus"] == "RUNNING" and task.get("_startup_stable", False),
        "ipAddress": ecs._task_ip(task),
        "containers": [container["name"] for container in task["containers"]],
        "tags": as_map(task.get("tags") or []),
        "clusterTags": as_map(tags_of(task["clusterArn"])),
    }
    request = urllib.request.Request(f"{WORLD}/_world/tasks", json.dumps(change).encode(), method="POST")
    urllib.request.urlopen(request, timeout=10).read()


def service_of(task):
    name = (task.get("group") or "").removeprefix("service:")
    return next(
        (
            service
            for service in ecs._services.values()
            if service["serviceName"] == name and service["clusterArn"] == task["clusterArn"]
        ),
        None,
    )


def run_task_with_network(data):
    known = set(ecs._tasks)
    answer = run_task(data)
    for arn in [arn for arn in ecs._tasks if arn not in known]:
        task = ecs._tasks[arn]
        number = next(addresses)
        address = f"10.0.{number // 256}.{number % 256}"
        details = [{"name": "privateIPv4Address", "value": address}]
        task["attachments"] = [
            {"id": f"eni-{number}", "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}
        ]
        service = service_of(task)
        task["_startup_stable"] = False
        if service is not None:
            task["tags"] = tags_of(service["serviceArn"])
            task["startedBy"] = data.get("_deploymentId") or task["startedBy"]
        later(STARTUP_SECONDS, lambda task=task: started(task))
    return answer


def is_starting(task):
    return task["lastStatus"] == "RUNNING" and "_started" not in task


def started(task):
    if task["lastStatus"] == "STOPPED":
        return
    broken = [one for one in task["containers"] if BROKEN in (one.get("image") or "")]
    service = service_of(task)
    if broken:
        reason = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {broken[0]['image']} not found"
        broken[0]["reason"] = reason
        ecs._mark_task_stopped(task["taskArn"], task, reason, "TaskFailedToStart", exit_code=None)
        if service is not None:
            # ECS counts them with or without a circuit breaker.
            ecs._primary_deployment(service)["failedTasks"] += 1
            later(2, lambda: ecs._reconcile_service_tasks(ecs._cluster_name_from_arn(task["clusterArn"]), key_of(service)))
        return
    task["_startup_stable"] = task["_started"] = True
    task["healthStatus"] = "HEALTHY"
    for container in task["containers"]:
        container["lastStatus"] = "RUNNING"
        container["healthStatus"] = "HEALTHY" if container["name"] == "ztunnel" else "UNKNOWN"
    tell_world(task)
    if service is not None:
        ecs._complete_service_deployment(ecs._cluster_name_from_arn(task["clusterArn"]), key_of(service))


def key_of(service):
    return f"{ecs._cluster_name_from_arn(service['clusterArn'])}/{service['serviceName']}"


def stop_and_tell(task_arn, task, *rest, **named):
    result = mark_stopped(task_arn, task, *rest, **named)
    tell_world(task)
    detail = {key: value for key, value in ecs._sanitize(task).items() if value is not None}
    later(0, lambda: emit("aws.ecs", "ECS Task State Change", [task_arn], detail))
    return result


ecs._run_task = run_task_with_network
ecs._mark_task_stopped = stop_and_tell

# --- Shim "events of ECS": MiniStack emits none.
complete = ecs._complete_service_deployment


def deployment_event(service, name):
    primary = ecs._primary_deployment(service)
    detail = {
        "eventType": "INFO",
        "eventName": name,
        "deploymentId": primary["id"],
        "updatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "reason": f"ECS deployment {primary['id']}: {name}",
    }
    later(0, lambda: emit("aws.ecs", "ECS Deployment State Change", [service["serviceArn"]], detail))


def complete_and_tell(cluster_name, key, *rest, **named):
    service = ecs._services.get(key)
    # MiniStack's own tasks are stable from the start; a deployment waits for those that have started here.
    if any(service_of(task) is service and is_starting(task) for task in list(ecs._tasks.values())):
        return None
    before = ecs._primary_deployment(service).get("rolloutState") if service else None
    result = complete(cluster_name, key, *rest, **named)
    if service and before == "IN_PROGRESS" and ecs._primary_deployment(service).get("rolloutState") == "COMPLETED":
        deployment_event(service, "SERVICE_DEPLOYMENT_COMPLETED")
    return result


ecs._complete_service_deployment = complete_and_tell

versions = iter(range(1, 1 << 16))


def tag_change(data, before):
    arn = data["resourceArn"]
    after = {tag["key"]: tag["value"] for tag in tags_of(arn)}
    kind = arn.split(":")[5].split("/")[0]
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    detail = {
        "changed-tag-keys": changed,
        "service": "ecs",
        "resource-type": kind,
        "version": next(versions),
        "tags": after,
    }
    later(0, lambda: emit("aws.tag", "Tag Change on Resource", [arn], detail))


dispatch = ecs._dispatch_action


def dispatch_and_tell(action, data):
    arn = data.get("resourceArn", "")
    before = {tag["key"]: tag["value"] for tag in tags_of(arn)}
    answer = dispatch(action, data)
    if answer[0] >= 300:
        return answer
    if action in ("TagResource", "UntagResource"):
        tag_change(data, before)
    if action in ("UpdateService", "CreateService"):
        service = ecs._services.get(key_of(json.loads(answer[2])["service"]))
        primary = service and ecs._primary_deployment(service)
        if primary and (action == "CreateService" or primary.get("rolloutState") == "IN_PROGRESS"):
            deployment_event(service, "SERVICE_DEPLOYMENT_IN_PROGRESS")
    return answer


ecs._dispatch_action = dispatch_and_tell

if __name__ == "__main__":
    app.main()
