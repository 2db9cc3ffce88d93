"""Creates on MiniStack what the rendered stage says, resource by resource."""

import json
import os
import sys

import boto3
from botocore.config import Config

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def client(service, region, account):
    """Calls as the account's root does: its number is the key."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id=account,
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
    )


def pascal(value):
    """Members as the APIs name them; the members of maps whose keys are names stay."""
    if isinstance(value, list):
        return [pascal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key[0].upper() + key[1:]: one if key == "variables" else pascal(one) for key, one in value.items()}


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


class Deployment:
    def __init__(self, graph, bundles, account):
        self.resources, self.bundles, self.account = graph["resources"], bundles, account
        self.counts = {}
        # What the harness leaves out, with the reason.
        self.left_out = {}

    def walk(self, without_grant=None):
        for resource in self.resources:
            kind = resource["type"]
            make = getattr(self, kind.split(":")[-1].lower(), None)
            if make is None:
                self.left_out[kind] = self.left_out.get(kind, 0) + 1
        order = ["topic", "queue", "loggroup", "table", "role", "eventbus", "function", "alias",
                 "functioneventinvokeconfig", "statemachine", "eventrule", "eventtarget", "permission", "queuepolicy", "eventbuspolicy"]
        for step in order:
            for resource in self.resources:
                if resource["type"].startswith("aws:") and resource["type"].split(":")[-1].lower() == step:
                    getattr(self, step)(resource["inputs"], resource["region"], resource["name"])
                    self.counts[step] = self.counts.get(step, 0) + 1

    def of(self, service, region):
        return client(service, region, self.account)

    def topic(self, given, region, _):
        self.of("sns", region).create_topic(Name=given["name"])

    def queue(self, given, region, _):
        attributes = {"MessageRetentionPeriod": str(given["messageRetentionSeconds"])}
        self.of("sqs", region).create_queue(QueueName=given["name"], Attributes=attributes)

    def queuepolicy(self, given, region, _):
        name = given["queueUrl"].rsplit("/", 1)[-1]
        sqs = self.of("sqs", region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text(given["policy"])})

    def loggroup(self, given, region, _):
        self.of("logs", region).create_log_group(logGroupName=given["name"])

    def table(self, given, region, _):
        keys = [("HASH", given["hashKey"]), ("RANGE", given["rangeKey"])]
        self.of("dynamodb", region).create_table(
            TableName=given["name"],
            BillingMode=given["billingMode"],
            AttributeDefinitions=[{"AttributeName": one["name"], "AttributeType": one["type"]}
                                  for one in given["attributes"]],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for kind, name in keys],
        )

    def role(self, given, region, _):
        iam = self.of("iam", region)
        iam.create_role(RoleName=given["name"], AssumeRolePolicyDocument=text(given["assumeRolePolicy"]))
        for policy in given.get("inlinePolicies", []):
            iam.put_role_policy(RoleName=given["name"], PolicyName=policy["name"], PolicyDocument=text(policy["policy"]))

    def eventbus(self, given, region, _):
        self.of("events", region).create_event_bus(Name=given["name"])

    def eventbuspolicy(self, given, region, _):
        self.of("events", region).put_permission(EventBusName=given["eventBusName"], Policy=text(given["policy"]))

    def function(self, given, region, name):
        with open(f"{self.bundles}/artifacts/{name.removesuffix('Function')}/code.zip", "rb") as file:
            code = file.read()
        function = self.of("lambda", region)
        function.create_function(
            FunctionName=given["name"],
            Role=given["role"],
            Runtime=given["runtime"],
            Handler=given["handler"],
            Timeout=given["timeout"],
            MemorySize=given["memorySize"],
            Environment={"Variables": given["environment"]["variables"]},
            Code={"ZipFile": code},
        )
        if "reservedConcurrentExecutions" in given:
            most = given["reservedConcurrentExecutions"]
            function.put_function_concurrency(FunctionName=given["name"], ReservedConcurrentExecutions=most)

    def alias(self, given, region, _):
        function = self.of("lambda", region)
        version = function.publish_version(FunctionName=given["functionName"])["Version"]
        function.create_alias(FunctionName=given["functionName"], Name=given["name"], FunctionVersion=version)

    def functioneventinvokeconfig(self, given, region, _):
        # A function whose next run does what a failed one would have done has no destination.
        destination = given.get("destinationConfig")
        self.of("lambda", region).put_function_event_invoke_config(
            FunctionName=given["functionName"],
            MaximumRetryAttempts=given["maximumRetryAttempts"],
            MaximumEventAgeInSeconds=given["maximumEventAgeInSeconds"],
            **({"DestinationConfig": pascal(destination)} if destination else {}),
        )

    def permission(self, given, region, name):
        self.of("lambda", region).add_permission(
            FunctionName=given["function"],
            StatementId=name,
            Action=given["action"],
            Principal=given["principal"],
            SourceArn=given["sourceArn"],
        )

    def statemachine(self, given, region, _):
        self.of("stepfunctions", region).create_state_machine(
            name=given["name"], definition=given["definition"], roleArn=given["roleArn"], type=given["type"]
        )

    def eventrule(self, given, region, _):
        bus = {"EventBusName": given["eventBusName"]} if given.get("eventBusName") else {}
        self.of("events", region).put_rule(Name=given["name"], EventPattern=given["eventPattern"], **bus)

    def eventtarget(self, given, region, name):
        bus = {"EventBusName": given["eventBusName"]} if given.get("eventBusName") else {}
        role = {"RoleArn": given["roleArn"]} if "roleArn" in given else {}
        target = {"Id": name, "Arn": given["arn"], "DeadLetterConfig": pascal(given["deadLetterConfig"]), **role}
        self.of("events", region).put_targets(Rule=given["rule"], Targets=[target], **bus)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        graph = json.load(file)
    deployment = Deployment(graph, sys.argv[2], "123456789012")
    deployment.walk()
    print(json.dumps({"counts": deployment.counts, "left": deployment.left_out}))
