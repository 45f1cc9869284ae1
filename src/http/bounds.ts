/** The bounds of the server towards its clients; each is a variable of the configuration. */
export interface HttpBounds {
  /** Connections at once, WebSockets included. */
  readonly connectionsMax: number;
  /** Connections at once from one address; those of trusted proxies do not count. */
  readonly connectionsMaxPerAddress: number;
  /** Requests of one connection that run at once; the next ones wait unread. */
  readonly requestsMaxPerConnection: number;
  /** Requests of one principal, or without one of one address, that are under way at once. */
  readonly requestsMaxPerPrincipal: number;
  /** Bytes of answers that wait for the client of one connection before its next request begins. */
  readonly sendBytesMaxPerConnection: number;
  /** Bytes of answers that wait for all clients; then the connection with the most of them is cut. */
  readonly sendBytesMax: number;
  /** How long a client may take nothing of what waits for it, in milliseconds. */
  readonly sendTimeoutMs: number;
}
