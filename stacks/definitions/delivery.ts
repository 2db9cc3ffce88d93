/** How EventBridge hands events over, everywhere. After an hour it is a dead letter: the sweep has looked by then. */
export const deliveryRetries = { maximumRetryAttempts: 60, maximumEventAgeInSeconds: 3600 };

/** How long dead letters are kept: the longest that SQS allows. */
export const undeliveredRetentionSeconds = 14 * 24 * 3600;
