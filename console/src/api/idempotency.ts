/**
 * Idempotency keys of forms. A form keeps its key while its input stays the same, so that a second press, or a retry
 * after an answer that was lost, changes stock once. `crypto.randomUUID` exists only on HTTPS and on this machine.
 */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
