/** How a Kubernetes API is reached. */
export interface ClusterConnection {
  /** URL of the API server. */
  readonly server: string;
  /** Its certificate authority: base64 of PEM. Absent: the public ones. */
  readonly caData?: string | undefined;
  readonly user: ClusterUser;
}

export type ClusterUser =
  | { readonly bearerToken: () => Promise<string> }
  /** Client certificate and key: base64 of PEM. */
  | { readonly certData: string; readonly keyData: string };

/** Connects; `fresh` where the last connection was wrong, so that nothing known is taken. */
export type Connect = (options?: { readonly fresh?: boolean }) => Promise<ClusterConnection>;
