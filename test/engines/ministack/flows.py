"""Plays the flows on a deployed stage, and prints what each took."""

import json
import os
import subprocess
import sys
import time
import urllib.request

from deploy import Deployment, client

HOME, MEMBER = "123456789012", "210987654321"
STAGE = "ztunnel-autopilot-production"
IMAGE = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless"
ENROLL, IMAGE_TAG = "ztunnel-autopilot/enroll", "ztunnel-autopilot/image"


class Failed(Exception):
    """A flow that did not get where it should."""


class Flow:
    """The steps of one flow, with the time that they took."""

    def __init__(self, name):
        self.name, self.steps, self.started = name, [], time.monotonic()

    def step(self, what, condition, within=60):
        """Waits until the condition gives something true."""
        deadline = time.monotonic() + within
        while True:
            last = condition()
            if last:
                self.steps.append(what)
                return last
            if time.monotonic() > deadline:
                raise Failed(f"not within {within} s: {what}")
            time.sleep(0.3)


class Service:
    """A service of the fleet, as its owner sees it."""

    def __init__(self, account, region, cluster, name):
        self.account, self.region, self.cluster, self.name = account, region, cluster, name
        self.ecs = client("ecs", region, account)
        self.arn = f"arn:aws:ecs:{region}:{account}:service/{cluster}/{name}"

    def create(self):
        trust = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
                               "Principal": {"Service": "ecs-tasks.amazonaws.com"}}}
        for role in ("task", "execution"):
            client("iam", self.region, self.account).create_role(
                RoleName=f"{self.name}-{role}", AssumeRolePolicyDocument=json.dumps(trust)
            )
        self.ecs.create_cluster(clusterName=self.cluster)
        revision = self.register(f"shop/{self.name}:1")
        self.ecs.create_service(
            cluster=self.cluster,
            serviceName=self.name,
            taskDefinition=revision,
            desiredCount=2,
            launchType="FARGATE",
            propagateTags="SERVICE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}},
        )
        return self

    def register(self, image):
        role = f"arn:aws:iam::{self.account}:role/{self.name}"
        return self.ecs.register_task_definition(
            family=self.name,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="512",
            memory="1024",
            taskRoleArn=f"{role}-task",
            executionRoleArn=f"{role}-execution",
            containerDefinitions=[
                {"name": "app", "image": image, "essential": True, "portMappings": [{"containerPort": 8080}]}
            ],
        )["taskDefinition"]["taskDefinitionArn"]

    def tag(self, **tags):
        self.ecs.tag_resource(resourceArn=self.arn, tags=[{"key": key, "value": value} for key, value in tags.items()])

    def enroll(self):
        self.ecs.tag_resource(
            resourceArn=self.arn,
            tags=[
                {"key": ENROLL, "value": "true"},
                {"key": "ecs.solo.io/namespace", "value": "ecs-shop"},
                {"key": "ecs.solo.io/service-account", "value": self.name},
            ],
        )

    def describe(self):
        return self.ecs.describe_services(cluster=self.cluster, services=[self.name], include=["TAGS"])["services"][0]

    def settled(self):
        described = self.describe()
        deployments = described["deployments"]
        return len(deployments) == 1 and deployments[0]["rolloutState"] == "COMPLETED"

    def containers(self):
        revision = self.describe()["taskDefinition"]
        definition = self.ecs.describe_task_definition(taskDefinition=revision)["taskDefinition"]
        return {one["name"]: one for one in definition["containerDefinitions"]}

    def revision(self):
        return self.describe()["taskDefinition"]

    def state(self):
        item = ledger().get_item(
            TableName=f"{STAGE}-ledger", Key={"pk": {"S": f"SERVICE#{self.arn}"}, "sk": {"S": "STATE"}}
        )
        return item.get("Item")


def ledger():
    return client("dynamodb", "us-east-1", HOME)


def executions(machine, status=None):
    arn = f"arn:aws:states:us-east-1:{HOME}:stateMachine:{STAGE}-{machine}"
    filters = {"statusFilter": status} if status else {}
    return client("stepfunctions", "us-east-1", HOME).list_executions(stateMachineArn=arn, **filters)["executions"]


def outcomes(service):
    """The outcomes of the service's rolls that have ended."""
    step_functions = client("stepfunctions", "us-east-1", HOME)
    found = []
    for one in executions("roll-service"):
        described = step_functions.describe_execution(executionArn=one["executionArn"])
        if json.loads(described["input"])["serviceArn"] != service.arn or described["status"] == "RUNNING":
            continue
        output = json.loads(described.get("output") or "{}")
        found.append(output.get("outcome", described["status"]))
    return found


def invoke(function, payload=None):
    answer = client("lambda", "us-east-1", HOME).invoke(
        FunctionName=f"{STAGE}-{function}", Payload=json.dumps(payload or {})
    )
    body = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        raise Failed(f"{function}: {body}")
    return body


def world(path, method="GET"):
    request = urllib.request.Request(f"{os.environ['WORLD_URL']}{path}", b"{}" if method == "POST" else None, method=method)
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def autopilot(*arguments):
    """Runs the operator's command."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": HOME,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AUTOPILOT_STAGE": "production",
    }
    done = subprocess.run(
        [os.environ["NODE"], os.environ["CLI"], *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    if done.returncode != 0:
        raise Failed(f"autopilot {' '.join(arguments)}: {done.stdout[-400:]} {done.stderr[-800:]}")
    return done.stdout


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
    flow.step("rolled by its tag's event", lambda: "succeeded" in outcomes(service), int(os.environ.get("WITHIN", "120")))
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
    good, before = service.revision(), len(outcomes(service))
    service.ecs.tag_resource(resourceArn=service.arn, tags=[{"key": IMAGE_TAG, "value": IMAGE.split(":")[0] + ":broken"}])
    flow.step("the roll is reverted", lambda: outcomes(service)[: len(outcomes(service)) - before] == ["reverted"], 100)
    flow.step("runs the last good revision", lambda: service.revision() == good)
    flow.step("Slack names the failure", lambda: any("the roll failed" in text for text in world("/_world/messages")))
    service.ecs.untag_resource(resourceArn=service.arn, tagKeys=[IMAGE_TAG])


def untag(flow, service):
    service.ecs.untag_resource(resourceArn=service.arn, tagKeys=[ENROLL])
    flow.step("runs without ztunnel", lambda: list(service.containers()) == ["app"], 120)
    flow.step("is stable", service.settled)


def rotate(flow, service):
    token = lambda: service.containers()["ztunnel"]["secrets"][0]["valueFrom"]
    before, rolls = token(), len(outcomes(service))
    world("/_world/root-ca", "POST")
    invoke("watch-root-ca")
    flow.step("a rollout runs", lambda: executions("roll-fleet", "RUNNING"), 60)
    flow.step("the canary has the token with both roots", lambda: token() != before, 240)
    flow.step("its roll has ended", lambda: len(outcomes(service)) > rolls, 120)
    flow.step("and succeeded", lambda: set(outcomes(service)) == {"succeeded"}, 0)
    bakes = lambda: "baking" in autopilot("rollout", "status", rotation())
    flow.step("the wave bakes", bakes, 60)


def rotation():
    """The id of the rollout that runs: its execution's name without the running number; empty if there is none."""
    return next((one["name"].rsplit("-", 1)[0] for one in executions("roll-fleet", "RUNNING")), "")


def operate(flow, service):
    # The member template lets operators in only where the configuration names their roles.
    text = autopilot("status", "--account", HOME)
    flow.step("status lists the service", lambda: service.name in text, 0)
    rollout = rotation()
    flow.step("rollout list has the rotation", lambda: rollout and rollout in autopilot("rollout", "list"), 0)
    autopilot("rollout", "abort", rollout)
    flow.step("abort ends the bake and the rollout", lambda: rotation() != rollout, 90)
    flow.step("rollout status says so", lambda: "aborted" in autopilot("rollout", "status", rollout), 30)


def without_grant(flow, service):
    """Without one grant the same calls fail: IAM is enforced."""
    iam = client("iam", "us-east-1", HOME)
    role = f"{STAGE}-roll-plan"
    document = iam.get_role_policy(RoleName=role, PolicyName="calls")["PolicyDocument"]
    taken = "ecs:DescribeServices"
    cut = json.loads(json.dumps(document))
    for statement in cut["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != taken] or ["sts:GetCallerIdentity"]
    if cut == document:
        raise Failed(f"{role} has no {taken}")
    payload = {"serviceArn": service.arn, "executionName": "with-grant", "rollout": None}
    invoke("roll-plan", payload)
    payload["executionName"] = "without-grant"
    flow.steps.append("roll/plan works with it")
    iam.put_role_policy(RoleName=role, PolicyName="calls", PolicyDocument=json.dumps(cut))
    try:
        invoke("roll-plan", payload)
        message = "it works"
    except Failed as failed:
        message = str(failed)
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="calls", PolicyDocument=json.dumps(document))
    flow.step(f"roll/plan without {taken} is denied", lambda: "AccessDenied" in message or "not authorized" in message, 0)


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
