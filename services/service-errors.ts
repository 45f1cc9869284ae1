/**
 * The two ways in which a service cannot be had. A ServiceError is for whoever typed the command: one sentence, never
 * with a password in it. A WayUnavailable is only a reason to try the next way, worded as a clause so that several of
 * them can be strung together in the sentence that says which way was chosen and why.
 */
export class ServiceError extends Error {
  readonly code = 'SERVICE' as const;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServiceError';
  }
}

export class WayUnavailable extends Error {
  readonly code = 'WAY_UNAVAILABLE' as const;
  constructor(clause: string, options?: ErrorOptions) {
    super(clause, options);
    this.name = 'WayUnavailable';
  }
}

/** The message on one line and of a bounded length, as programs and libraries answer with whole pages. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((part) => part.trim() !== '') ?? '';
  return line
    .trim()
    .replace(/[.:]+$/, '')
    .slice(0, 300);
}
