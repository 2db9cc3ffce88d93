/** How news of a topic is announced when there is more than one. */
export interface TopicRules {
  readonly icon: string;
  /** The headline for this number of subjects, two at least. */
  readonly headline: (count: number) => string;
  /** It needs somebody: it waits for nothing, and is one message a cause. */
  readonly urgent?: true;
  /** Its causes go on for a while, and strike one subject after the other. */
  readonly lasting?: true;
  /** The command that lists the subjects. Default: that of the services. */
  readonly list?: string;
}
