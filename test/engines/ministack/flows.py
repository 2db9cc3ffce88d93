"""Plays the flows on a deployed stage, and prints what each took."""

import json
import os
import sys
import time

from deploy import Deployment, client
from fleet import (
    ENROLL,
    HOME,
    IMAGE_TAG,
    MEMBER,
    STAGE,
    Failed,
    Flow,
    Service,
    autopilot,
    executions,
    invoke,
    new_outcomes,
    outcomes,
    world,
)

IMAGE = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless"


def prepare(flow, template):
    """What is there before the autopilot: Slack's token, the control planes, the member account."""
    token = json.dumps({"token": os.environ["SLACK_TOKEN"]})
    client("secretsmanager", "us-east-1", HOME).create_secret(Name="ztunnel-autopilot-slack", SecretString=token)
    for account, region, name in ((HOME, "us-east-1", "ambient-us"), (MEMBER, "eu-west-1", "ambient-eu")):
        role = f"arn:aws:iam::{account}:role/eks"
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                          "Principal": {"Service": "eks.amazonaws.com"}}]}
        client("iam", region, account).create_role(RoleName="eks", AssumeRolePolicyDocument=json.dumps(trust))
        client("eks", region, account).create_cluster(name=name, roleArn=role, resourcesVpcConfig={})
    flow.steps.append("secret and control planes")
    for region in ("eu-central-1", "eu-west-1"):
        stacks = client("cloudformation", region, MEMBER)
        stacks.create_stack(StackName="autopilot", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        status = lambda: stacks.describe_stacks(StackName="autopilot")["Stacks"][0]["StackStatus"]
        flow.step(f"member template in {region}", lambda: status() == "CREATE_COMPLETE")
    invoke("watch-root-ca")
    flow.steps.append("mesh facts of both control planes")


def enroll(flow, service):
    service.create()
    flow.step("service is stable", service.settled)
    service.enroll()
    flow.step("rolled by its tag's event", lambda: "succeeded" in outcomes(service), 120)
    flow.step("runs ztunnel", lambda: service.containers().get("ztunnel", {}).get("image") == IMAGE)
    secret = service.containers()["ztunnel"]["secrets"][0]["valueFrom"]
    flow.step("token pinned to a version", lambda: len(secret.split(":")) == 10)


def deploy_by_ci(flow, service):
    before = len(outcomes(service))
    revision = service.register(f"shop/{service.name}:2")
    service.ecs.update_service(cluster=service.cluster, service=service.name, taskDefinition=revision)
    flow.step("rolled by the deployment's event", lambda: len(outcomes(service)) > before, 120)
    flow.step("runs ztunnel again", lambda: "ztunnel" in service.containers())
    flow.step("with the new image", lambda: service.containers()["app"]["image"] == f"shop/{service.name}:2")


def break_image(flow, service):
    # The rotation of its control plane waited for the other one's, which has been aborted; a tag that is set while it
    # rolls the service would wait for a sweep, and the schedules are left out.
    flow.step("the rotation has rolled it", lambda: outcomes(service).count("succeeded") > 1, 120)
    flow.step("no roll has a lease", lambda: not executions("roll-service", "RUNNING"), 60)
    good, before = service.revision(), len(outcomes(service))
    broken = IMAGE.split(":")[0] + ":broken"
    service.ecs.tag_resource(resourceArn=service.arn, tags=[{"key": IMAGE_TAG, "value": broken}])
    flow.step("the roll is reverted", lambda: "reverted" in new_outcomes(service, before), 100)
    flow.step("and none has succeeded", lambda: "succeeded" not in new_outcomes(service, before), 0)
    flow.step("runs the last good revision", lambda: service.revision() == good)
    flow.step("with tasks that are up", service.settled)
    flow.step("Slack names the failure", lambda: any("the roll failed" in text for text in world("/_world/messages")))


def untag(flow, service):
    service.ecs.untag_resource(resourceArn=service.arn, tagKeys=[ENROLL])
    flow.step("runs without ztunnel", lambda: list(service.containers()) == ["app"], 120)
    flow.step("is stable", service.settled)


def rotate(flow, service):
    token = lambda: service.containers()["ztunnel"]["secrets"][0]["valueFrom"]
    # A roll that still has the service's lease would make the rollout try it again, minutes later.
    flow.step("no roll has the service's lease", lambda: not executions("roll-service", "RUNNING"), 120)
    before, rolls = token(), len(outcomes(service))
    world("/_world/root-ca/mesh-us", "POST")
    invoke("watch-root-ca")
    flow.step("a rollout runs", lambda: executions("roll-fleet", "RUNNING"), 60)
    flow.step("the canary has the token with both roots", lambda: token() != before, 240)
    flow.step("its roll has ended", lambda: len(outcomes(service)) > rolls, 120)
    # A roll that finds nothing to do any more is superseded.
    flow.step("and none has failed", lambda: set(outcomes(service)) <= {"succeeded", "superseded"}, 0)
    # A wave in which every roll was superseded has nothing to bake, and its rollout ends at once.
    rollout = rotation()
    bakes = lambda: rotation() != rollout or "baking" in autopilot("rollout", "status", rollout)
    flow.step("the wave bakes, unless nothing was changed in it", bakes, 60)


def rotation():
    """The id of the rollout that runs: its execution's name without the running number; empty if there is none."""
    return next((one["name"].rsplit("-", 1)[0] for one in executions("roll-fleet", "RUNNING")), "")


def operate(flow, service):
    # The member template lets operators in only where the configuration names their roles.
    text = autopilot("status", "--account", HOME)
    flow.step("status lists the service", lambda: service.name in text, 0)
    rollout = rotation()
    flow.step("rollout list has the rotation", lambda: rollout and rollout in autopilot("rollout", "list"), 0)
    # The other root CA changes only now: of two that change at once, either may be rotated first.
    world("/_world/root-ca/mesh-eu", "POST")
    invoke("watch-root-ca")
    flow.step("the other control plane's rotation waits", lambda: len(json.loads(autopilot("rollout", "list", "--json"))) > 1, 60)
    autopilot("rollout", "abort", rollout)
    flow.step("abort ends the bake and the rollout", lambda: rotation() != rollout, 90)
    flow.step("the rotation of the other control plane follows", rotation, 90)
    flow.step("rollout status says so", lambda: "aborted" in autopilot("rollout", "status", rollout), 30)


def without(document, action):
    """The policy document without one action. An action may stand alone or in a list."""
    kept = []
    for statement in document["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        left = [one for one in actions if one != action]
        if left:
            kept.append({**statement, "Action": left})
    return {**document, "Statement": kept}


def granted(document):
    """Every action of a policy document."""
    actions = [statement["Action"] for statement in document["Statement"]]
    return {one for action in actions for one in ([action] if isinstance(action, str) else action)}


def without_grant(flow, service):
    """Without one grant the same call fails: IAM is enforced."""
    iam = client("iam", "us-east-1", HOME)
    policy = {"RoleName": f"{STAGE}-roll-plan", "PolicyName": "calls"}
    taken = "ecs:DescribeServices"
    document = iam.get_role_policy(**policy)["PolicyDocument"]
    if taken not in granted(document):
        raise Failed(f"{policy['RoleName']} has no {taken}")
    flow.step("no roll has the service's lease", lambda: not executions("roll-service", "RUNNING"), 120)
    # One execution plans again and again: with its lease, another would end before it describes the service.
    payload = {"serviceArn": service.arn, "executionName": "a-grant-less", "rollout": None}
    as_desired = {"action": "finish", "outcome": "superseded", "reason": "already-as-desired", "refusals": []}
    planned = lambda: invoke("roll-plan", payload) == as_desired
    flow.step("roll/plan works with it", planned, 0)
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(without(document, taken)))
    try:
        message = f"it works: {invoke('roll-plan', payload)}"
    except Failed as failed:
        message = str(failed)
    finally:
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))
    if "not authorized to perform" not in message or taken not in message:
        raise Failed(f"roll/plan without {taken} is not denied: {message}")
    flow.steps.append(f"roll/plan without {taken} is denied")
    flow.step("roll/plan works again", planned, 0)


def main():
    with open(sys.argv[1]) as file:
        graph = json.load(file)
    with open(sys.argv[3]) as file:
        template = file.read()
    deployment = Deployment(graph, sys.argv[2], HOME)
    cart = Service(HOME, "us-east-1", "shop", "cart")
    checkout = Service(MEMBER, "eu-west-1", "market", "checkout")
    flows = [
        ("deploy", lambda flow: (deployment.walk(), flow.steps.extend(f"{n} {kind}" for kind, n in deployment.counts.items()))),
        ("prepare", lambda flow: prepare(flow, template)),
        ("enroll", lambda flow: enroll(flow, cart)),
        ("CI deployment", lambda flow: deploy_by_ci(flow, cart)),
        ("member account", lambda flow: enroll(flow, checkout)),
        ("rotation", lambda flow: rotate(flow, cart)),
        ("operator's command", lambda flow: operate(flow, cart)),
        ("untag", lambda flow: untag(flow, cart)),
        ("without a grant", lambda flow: without_grant(flow, cart)),
        ("broken image", lambda flow: break_image(flow, checkout)),
    ]
    results = []
    for name, play in flows:
        flow = Flow(name)
        failure = ""
        try:
            play(flow)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        seconds = round(time.monotonic() - flow.started, 1)
        results.append({"flow": name, "steps": flow.steps, "seconds": seconds, "failure": failure})
        print(f"{name}: {failure or 'passed'} ({len(flow.steps)} steps, {seconds} s)", file=sys.stderr, flush=True)
        # Nothing can be played on a stage that is not there.
        if failure and name in ("deploy", "prepare", "enroll"):
            break
    print(json.dumps({"flows": results, "left": deployment.left_out}))


if __name__ == "__main__":
    main()
