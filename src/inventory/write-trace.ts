/** Where a write is in a trace. */

export interface WriteTrace {
  /** The span of its request, in the form of W3C Trace Context: for other processes, too. */
  readonly traceparent: string;
}
