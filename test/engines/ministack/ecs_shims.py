"""What MiniStack's ECS lacks: tasks that take their time and fail, and events. Imported by server.py."""

import json
import os
import time
import urllib.request

from beside import emit, later
from ministack.services import ecs

WORLD = os.environ["WORLD_URL"]
BROKEN = ":broken"
STARTUP_SECONDS = 1.0

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
