/**
 * The errors of services. The message of a ServiceError is one sentence for the user, without passwords. A
 * WayUnavailable is a reason to try the next way. Its message is a clause, because the sentence about the chosen way
 * joins several of them.
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

/** The message on one line and of a bounded length: programs and libraries may answer with whole pages. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((part) => part.trim() !== '') ?? '';
  return line
    .trim()
    .replace(/[.:]+$/, '')
    .slice(0, 300);
}
