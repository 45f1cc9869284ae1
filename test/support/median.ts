/** Of what a test has measured. */

/** The upper one of two in the middle; Infinity where nothing was measured, which is within no bound. */
export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Infinity;
}
