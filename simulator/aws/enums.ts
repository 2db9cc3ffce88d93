/**
 * What requests may have where AWS's models have an enum, by service and by the enum's name there. A value that AWS
 * knows and no schema takes is refused by its schema. `test/enums.test.ts` compares the lists with the SDK's.
 */
export const enums = {
  cloudwatch: {
    AlarmType: ["MetricAlarm", "CompositeAlarm"],
    StateValue: ["OK", "ALARM", "INSUFFICIENT_DATA"],
    Statistic: ["SampleCount", "Average", "Sum", "Minimum", "Maximum"],
  },
  ecs: {
    DeploymentControllerType: ["ECS", "CODE_DEPLOY", "EXTERNAL"],
    DeploymentLifecycleHookAction: ["CONTINUE", "ROLLBACK"],
    DeploymentStrategy: ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"],
    DesiredStatus: ["RUNNING", "STOPPED", "PENDING"],
    LaunchType: ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"],
    SchedulingStrategy: ["REPLICA", "DAEMON"],
    SortOrder: ["ASC", "DESC"],
    StopServiceDeploymentStopType: ["ABORT", "ROLLBACK"],
  },
  secretsmanager: {
    FilterNameStringType: ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"],
  },
  ssm: {
    ParameterType: ["String", "StringList", "SecureString"],
  },
  states: {
    ExecutionStatus: ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"],
  },
} as const;
