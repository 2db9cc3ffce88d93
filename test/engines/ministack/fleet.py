"""What the flows use: the services of the fleet, the autopilot's executions and functions, and the operator's command."""

import json
import os
import subprocess
import time
import urllib.request

from deploy import client

HOME, MEMBER = "123456789012", "210987654321"
STAGE = "ztunnel-autopilot-production"
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


def new_outcomes(service, before):
    """Those that came after the first `before` of them: the newest are first."""
    found = outcomes(service)
    return found[: len(found) - before]


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
