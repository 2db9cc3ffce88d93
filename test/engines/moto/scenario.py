"""Calls one server of AWS's APIs by boto3, some 400 times, and writes each answer as a line of JSON."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

ACCOUNT = "123456789012"
REGION = "us-east-1"
# Of no hexadecimal digits alone: those are taken for ids that a server made.
TOKEN = "token-of-the-scenario-for-a-version"
endpoint = sys.argv[1]
config = Config(retries={"total_max_attempts": 5, "mode": "standard"}, parameter_validation=False, read_timeout=30)
session = boto3.session.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="lab", region_name=REGION)
clients = {
    name: session.client(name, endpoint_url=endpoint, config=config)
    for name in ("ecs", "secretsmanager", "events", "ssm", "sts", "stepfunctions", "dynamodb", "cloudwatch")
}


def call(what, service, operation, /, **given):
    """One call. `what` names it for people, once. Returns the output, or an empty one after an error."""
    line = {"what": what, "operation": f"{service}.{operation}"}
    try:
        output = getattr(clients[service], operation)(**given)
        output.pop("ResponseMetadata")
        line["output"] = output
    except ClientError as error:
        line["error"] = {
            "code": error.response["Error"]["Code"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }
    except ResponseParserError:
        line["error"] = {"code": "no answer that boto3 can read", "status": 500}
    print(json.dumps(line, default=lambda value: f"<{type(value).__name__}>"))
    return line.get("output", {})


CONTAINER = {"name": "web", "image": "nginx:1.29", "essential": True, "memory": 128, "portMappings": [{"containerPort": 80}]}


def clusters():
    ecs = lambda what, operation, /, **given: call(what, "ecs", operation, **given)
    for name in ("a", "b-1", "c_2", "D" * 255):
        ecs(f"cluster {name[:3]}", "create_cluster", clusterName=name, tags=[{"key": "team", "value": name[:3]}])
    ecs("cluster again", "create_cluster", clusterName="a")
    ecs("all clusters", "list_clusters")
    ecs("two clusters", "list_clusters", maxResults=2)
    for asked in (["a"], ["a", "nope"], [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/b-1"], []):
        for include in ([], ["TAGS"], ["SETTINGS", "STATISTICS"]):
            ecs(f"describe clusters {asked} {include}", "describe_clusters", clusters=asked, include=include)
    for name in ("nope", "D" * 255):
        ecs(f"delete cluster {name[:4]}", "delete_cluster", cluster=name)
    for what, name in (("blank", "a b"), ("too long", "x" * 256), ("slash", "a/b"), ("empty", "")):
        ecs(f"cluster name {what}", "create_cluster", clusterName=name)


def definitions():
    ecs = lambda what, operation, /, **given: call(what, "ecs", operation, **given)
    variants = {
        "plain": {},
        "fargate": {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"},
        "fargate without size": {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc"},
        "fargate on a bridge": {"requiresCompatibilities": ["FARGATE"], "networkMode": "bridge", "cpu": "256", "memory": "512"},
        "role": {"taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/web", "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/ex"},
        "volumes": {"volumes": [{"name": "data", "host": {}}]},
        "tags": {"tags": [{"key": "team", "value": "x"}]},
        "no containers": {"containerDefinitions": []},
        "environment": {"containerDefinitions": [{**CONTAINER, "environment": [{"name": "A", "value": "1"}]}]},
        "two containers": {"containerDefinitions": [CONTAINER, {**CONTAINER, "name": "side", "portMappings": []}]},
        "same name twice": {"containerDefinitions": [CONTAINER, CONTAINER]},
        "nothing essential": {"containerDefinitions": [{**CONTAINER, "essential": False}]},
        "no memory": {"containerDefinitions": [{"name": "web", "image": "nginx"}]},
        "health check": {"containerDefinitions": [{**CONTAINER, "healthCheck": {"command": ["CMD", "true"]}}]},
        "depends on nobody": {"containerDefinitions": [{**CONTAINER, "dependsOn": [{"containerName": "x", "condition": "START"}]}]},
    }
    refused = ("fargate without size", "fargate on a bridge", "no containers", "same name twice")
    refused += ("nothing essential", "no memory", "depends on nobody")
    for what, more in variants.items():
        family = what.replace(" ", "-")
        ecs(f"register {what}", "register_task_definition", **{"family": family, "containerDefinitions": [CONTAINER], **more})
        # moto registers more: nothing is asked about what only one of the two has.
        if what in refused:
            continue
        ecs(f"describe definition {what}", "describe_task_definition", taskDefinition=family, include=["TAGS"])
        ecs(f"describe revision of {what}", "describe_task_definition", taskDefinition=f"{family}:1")
        ecs(f"describe missing revision of {what}", "describe_task_definition", taskDefinition=f"{family}:99")
    for number in range(3):
        ecs(f"register plain {number}", "register_task_definition", family="plain", containerDefinitions=[CONTAINER])
    for order in ("ASC", "DESC"):
        ecs(f"list plain {order}", "list_task_definitions", familyPrefix="plain", sort=order)
    for status in ("ACTIVE", "INACTIVE", "ALL"):
        ecs(f"families {status}", "list_task_definition_families", familyPrefix="p", status=status)
    for name in ("plain:2", "plain:99", "plain", "nope:1"):
        ecs(f"deregister {name}", "deregister_task_definition", taskDefinition=name)
    ecs("inactive ones", "list_task_definitions", familyPrefix="plain", status="INACTIVE")


def services():
    ecs = lambda what, operation, /, **given: call(what, "ecs", operation, **given)
    for name, more in {
        "web": {},
        "count": {"desiredCount": 2},
        "tags": {"tags": [{"key": "ecs.solo.io/namespace", "value": "shop"}], "propagateTags": "SERVICE"},
        "ec2": {"launchType": "EC2"},
        "breaker": {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}},
        "percent": {"deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 150}},
    }.items():
        given = {"cluster": "a", "serviceName": name, "taskDefinition": "plain", "desiredCount": 0, **more}
        ecs(f"service {name}", "create_service", **given)
        ecs(f"describe service {name}", "describe_services", cluster="a", services=[name], include=["TAGS"])
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/a/{name}"
        ecs(f"tag {name}", "tag_resource", resourceArn=arn, tags=[{"key": "k", "value": "v"}])
        ecs(f"tags of {name}", "list_tags_for_resource", resourceArn=arn)
        ecs(f"untag {name}", "untag_resource", resourceArn=arn, tagKeys=["k", "nope"])
        ecs(f"tags of {name} after", "list_tags_for_resource", resourceArn=arn)
    bad = {"in no cluster": {"cluster": "nope"}, "of no definition": {"taskDefinition": "nope"}, "again": {"serviceName": "web"}}
    for what, more in bad.items():
        given = {"cluster": "a", "serviceName": "bad", "taskDefinition": "plain", "desiredCount": 0, **more}
        ecs(f"service {what}", "create_service", **given)
    ecs("list services", "list_services", cluster="a")
    ecs("list services in no cluster", "list_services", cluster="nope")
    ecs("describe no service", "describe_services", cluster="a", services=["nope"])
    ecs("describe in no cluster", "describe_services", cluster="nope", services=["web"])
    ecs("update", "update_service", cluster="a", service="web", taskDefinition="plain:1")
    ecs("update nobody", "update_service", cluster="a", service="nope", desiredCount=1)
    ecs("update to no definition", "update_service", cluster="a", service="web", taskDefinition="nope:7")
    ecs("tags of nobody", "list_tags_for_resource", resourceArn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/a/nope")
    ecs("delete with tasks", "delete_service", cluster="a", service="count")
    ecs("delete", "delete_service", cluster="a", service="ec2", force=True)
    ecs("delete nobody", "delete_service", cluster="a", service="nope")
    ecs("delete a cluster with services", "delete_cluster", cluster="a")
    ecs("no tasks", "list_tasks", cluster="b-1")
    ecs("describe no task", "describe_tasks", cluster="b-1", tasks=["0" * 32])
    ecs("stop no task", "stop_task", cluster="b-1", task="0" * 32)


def secrets():
    secret = lambda what, operation, /, **given: call(what, "secretsmanager", operation, **given)
    secret("create bad name!", "create_secret", Name="bad name!", SecretString="s")
    for name in ("one", "two/three", "binary"):
        value = {"SecretBinary": b"\1\2"} if name == "binary" else {"SecretString": "s"}
        tags = [{"Key": "team", "Value": "x"}]
        secret(f"create {name}", "create_secret", Name=name, Description="d", Tags=tags, **value)
        secret(f"create {name} again", "create_secret", Name=name, SecretString="t")
        secret(f"describe {name}", "describe_secret", SecretId=name)
        secret(f"value of {name}", "get_secret_value", SecretId=name)
        for stage in ("AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"):
            secret(f"{stage} of {name}", "get_secret_value", SecretId=name, VersionStage=stage)
        secret(f"put {name}", "put_secret_value", SecretId=name, SecretString="u", ClientRequestToken=TOKEN)
        secret(f"put {name} again", "put_secret_value", SecretId=name, SecretString="u", ClientRequestToken=TOKEN)
        secret(f"put {name} otherwise", "put_secret_value", SecretId=name, SecretString="v", ClientRequestToken=TOKEN)
        secret(f"previous of {name}", "get_secret_value", SecretId=name, VersionStage="AWSPREVIOUS")
        secret(f"tag {name}", "tag_resource", SecretId=name, Tags=[{"Key": "k", "Value": "v"}])
        secret(f"untag {name}", "untag_resource", SecretId=name, TagKeys=["k", "nope"])
        secret(f"update {name}", "update_secret", SecretId=name, Description="e")
        secret(f"versions of {name}", "list_secret_version_ids", SecretId=name)
        secret(f"policy of {name}", "get_resource_policy", SecretId=name)
        secret(f"delete {name}", "delete_secret", SecretId=name, RecoveryWindowInDays=7)
        secret(f"delete {name} again", "delete_secret", SecretId=name)
        secret(f"value of deleted {name}", "get_secret_value", SecretId=name)
        secret(f"restore {name}", "restore_secret", SecretId=name)
        secret(f"describe restored {name}", "describe_secret", SecretId=name)
        secret(f"delete restored {name}", "delete_secret", SecretId=name)
        # moto writes it: nothing is asked about it any more.
        secret(f"put deleted {name}", "put_secret_value", SecretId=name, SecretString="w")
        secret(f"delete {name} by force", "delete_secret", SecretId=name, ForceDeleteWithoutRecovery=True)
        secret(f"describe {name} that is gone", "describe_secret", SecretId=name)
        secret(f"create {name} once more", "create_secret", Name=name, SecretString="s")
    for days in (0, 6, 31):
        secret(f"delete within {days} days", "delete_secret", SecretId="one", RecoveryWindowInDays=days)


def parameters():
    ssm = lambda what, operation, /, **given: call(what, "ssm", operation, **given)
    for name, kind, value in (
        ("/a/b", "String", "1"),
        ("plain", "StringList", "a,b"),
        ("/aws/x", "String", "1"),
        ("ssm-x", "String", "1"),
        ("/a/empty", "String", ""),
    ):
        ssm(f"put {name}", "put_parameter", Name=name, Type=kind, Value=value, Description="d")
        ssm(f"put {name} again", "put_parameter", Name=name, Type=kind, Value="2")
        ssm(f"overwrite {name}", "put_parameter", Name=name, Type=kind, Value="3", Overwrite=True)
        ssm(f"get {name}", "get_parameter", Name=name)
        for version in (1, 2, 99):
            ssm(f"get {name}:{version}", "get_parameter", Name=f"{name}:{version}")
        ssm(f"get several with {name}", "get_parameters", Names=[name, "/nope"])
    ssm("put bad name", "put_parameter", Name="bad name", Type="String", Value="1")
    for name in ("/a/b", "/a/b", "/nope"):
        ssm(f"delete {name}", "delete_parameter", Name=name)
        ssm(f"get deleted {name}", "get_parameter", Name=name)


def buses():
    events = lambda what, operation, /, **given: call(what, "events", operation, **given)
    events("buses", "list_event_buses", NamePrefix="default")
    events("no rule", "describe_rule", Name="nope")
    events("targets of no rule", "list_targets_by_rule", Rule="nope")
    events("rules of no bus", "list_rules", EventBusName="nope")
    entry = {"Source": "tour", "DetailType": "Tour", "Detail": "{}"}
    for what, changed in {
        "whole": {},
        "to a bus": {"EventBusName": "default"},
        "to no bus": {"EventBusName": "nope"},
        "bad detail": {"Detail": "{"},
        "detail of no object": {"Detail": "[]"},
        "empty source": {"Source": ""},
        "empty type": {"DetailType": ""},
        "empty detail": {"Detail": ""},
    }.items():
        events(f"put {what}", "put_events", Entries=[{**entry, **changed}])
        events(f"put {what} beside another", "put_events", Entries=[entry, {**entry, **changed}])
    for member in ("Source", "DetailType", "Detail"):
        events(f"put without {member}", "put_events", Entries=[{key: entry[key] for key in entry if key != member}])
    events("put nothing", "put_events", Entries=[])
    events("put eleven", "put_events", Entries=[entry] * 11)
    whole = {"id": "1", "account": ACCOUNT, "source": "aws.ecs", "time": "2026-01-01T00:00:00Z", "region": REGION}
    event = json.dumps({**whole, "resources": [], "detail-type": "x", "detail": {"n": 3, "s": "abc", "l": ["p", "q"]}})
    for pattern in (
        {"source": ["aws.ecs"]},
        {"source": ["aws.ssm"]},
        {"detail": {"n": [3]}},
        {"detail": {"n": [{"numeric": [">", 2]}]}},
        {"detail": {"s": [{"prefix": "a"}]}},
        {"detail": {"s": [{"suffix": "c"}]}},
        {"detail": {"s": [{"anything-but": ["x"]}]}},
        {"detail": {"s": [{"wildcard": "a*c"}]}},
        {"detail": {"s": [{"equals-ignore-case": "ABC"}]}},
        {"detail": {"l": ["q"]}},
        {"detail": {"l": [{"exists": False}]}},
        {"$or": [{"source": ["x"]}, {"detail": {"n": [3]}}]},
        {"source": "aws.ecs"},
        {"source": []},
        {"source": [{"nope": 1}]},
        {},
    ):
        text = json.dumps(pattern)
        events(f"pattern {text}", "test_event_pattern", EventPattern=text, Event=event)
    events("pattern that is not JSON", "test_event_pattern", EventPattern="{", Event=event)
    events("event that is not JSON", "test_event_pattern", EventPattern="{}", Event="{")


def identities():
    sts = lambda what, operation, /, **given: call(what, "sts", operation, **given)
    sts("who", "get_caller_identity")
    role = f"arn:aws:iam::{ACCOUNT}:role/nope"
    for what, given in {
        "short name": {"RoleSessionName": "a"},
        "bad name": {"RoleSessionName": "a b"},
        "too short": {"RoleSessionName": "ab", "DurationSeconds": 1},
        "no ARN": {"RoleArn": "role"},
    }.items():
        sts(f"assume {what}", "assume_role", **{"RoleArn": role, **given})


def machines():
    states = lambda what, operation, /, **given: call(what, "stepfunctions", operation, **given)
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nope"
    execution = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:nope:x"
    for arn in (machine, "nope"):
        states(f"describe machine {arn}", "describe_state_machine", stateMachineArn=arn)
        states(f"executions of {arn}", "list_executions", stateMachineArn=arn)
        states(f"start {arn}", "start_execution", stateMachineArn=arn, input="{}")
    for arn in (execution, "nope"):
        states(f"describe execution {arn}", "describe_execution", executionArn=arn)
        states(f"history of {arn}", "get_execution_history", executionArn=arn)
        states(f"stop {arn}", "stop_execution", executionArn=arn)
    states("success of no task", "send_task_success", taskToken="nope", output="{}")
    states("failure of no task", "send_task_failure", taskToken="nope")
    states("heartbeat of no task", "send_task_heartbeat", taskToken="nope")


def tables():
    dynamo = lambda what, operation, /, **given: call(what, "dynamodb", operation, TableName="tour", **given)
    schema = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    attributes = [{"AttributeName": "pk", "AttributeType": "S"}]
    dynamo("create table", "create_table", AttributeDefinitions=attributes, **schema)
    key = lambda name: {"pk": {"S": name}}
    for number in range(8):
        item = {**key(f"i{number}"), "n": {"N": str(number)}, "s": {"SS": ["a", "b"]}}
        dynamo(f"put {number}", "put_item", Item=item, ConditionExpression="attribute_not_exists(pk)")
        dynamo(f"put {number} again", "put_item", Item=item, ConditionExpression="attribute_not_exists(pk)")
        dynamo(f"get {number}", "get_item", Key=key(f"i{number}"), ConsistentRead=True)
        values = {":one": {"N": "1"}, ":n": {"N": str(number % 2)}}
        update = {"UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": values}
        more = {"ConditionExpression": "n = :n", "ReturnValues": "ALL_NEW"}
        dynamo(f"update {number}", "update_item", Key=key(f"i{number}"), **update, **more)
        dynamo(f"delete {number}", "delete_item", Key=key(f"i{number}"), ReturnValues="ALL_OLD")
    dynamo("get nothing", "get_item", Key=key("nope"))
    dynamo("get without key", "get_item", Key={"x": {"S": "1"}})
    dynamo("query", "query", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "i1"}})
    dynamo("bad expression", "update_item", Key=key("i1"), UpdateExpression="SETT n = 1")


def alarms():
    watch = lambda what, operation, /, **given: call(what, "cloudwatch", operation, **given)
    whole = {"AlarmName": "t", "Namespace": "T", "MetricName": "E", "Statistic": "Sum", "Period": 60}
    whole |= {"EvaluationPeriods": 1, "Threshold": 5, "ComparisonOperator": "GreaterThanThreshold"}
    watch("put alarm", "put_metric_alarm", **whole)
    for operator in ("LessThanThreshold", "GreaterThanOrEqualToThreshold", "Nope"):
        watch(f"put alarm {operator}", "put_metric_alarm", **{**whole, "AlarmName": operator, "ComparisonOperator": operator})
    for missing in ("EvaluationPeriods", "ComparisonOperator"):
        given = {key: whole[key] for key in whole if key != missing}
        watch(f"put alarm without {missing}", "put_metric_alarm", **given)
    watch("put composite", "put_composite_alarm", AlarmName="both", AlarmRule='ALARM("t")')
    for asked in ({"AlarmNames": ["t"]}, {"AlarmNamePrefix": "t"}, {"AlarmNames": ["nope"]}, {"AlarmNames": ["both"]}):
        watch(f"describe {asked}", "describe_alarms", **asked)
    for state in ("ALARM", "OK", "NOPE"):
        watch(f"set {state}", "set_alarm_state", AlarmName="t", StateValue=state, StateReason="r")
        watch(f"describe after {state}", "describe_alarms", AlarmNames=["t"])
    watch("set state of nobody", "set_alarm_state", AlarmName="nope", StateValue="OK", StateReason="r")
    watch("delete", "delete_alarms", AlarmNames=["t"])
    watch("delete nobody", "delete_alarms", AlarmNames=["nope"])


for part in (clusters, definitions, services, secrets, parameters, buses, identities, machines, tables, alarms):
    part()
