/** How EventBridge delivers events, everywhere. After an hour an event is a dead letter: a sweep has run by then. */
export const deliveryRetries = { maximumRetryAttempts: 60, maximumEventAgeInSeconds: 3600 };

/** How long dead letters are kept: as long as SQS allows. */
export const undeliveredRetentionSeconds = 14 * 24 * 3600;
