/**
 * The benchmark's statistics. Percentiles are by nearest rank over all samples, never over averages. A ratio is the
 * median of the ratios between runs of the same repeat, so that a slow phase of the machine affects both sides.
 */

/** NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The smallest sample that is not below `share` of all samples; NaN for an empty list. `sorted` is ascending. */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Null for an empty list. */
export function spreadOf(values: readonly number[]): Spread | null {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return null;
  return { median: median(finite), min: Math.min(...finite), max: Math.max(...finite) };
}

export interface RepeatedValue {
  readonly repeat: number;
  readonly value: number;
}

/**
 * `numerator ÷ denominator` repeat by repeat; repeats that only one side has are left out. Several values of one repeat
 * count by their median.
 */
export function pairedRatio(
  numerator: readonly RepeatedValue[],
  denominator: readonly RepeatedValue[],
): Spread | null {
  const below = byRepeat(denominator);
  const ratios: number[] = [];
  for (const [repeat, values] of byRepeat(numerator)) {
    const others = below.get(repeat);
    if (others) ratios.push(median(values) / median(others));
  }
  return spreadOf(ratios);
}

function byRepeat(values: readonly RepeatedValue[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const { repeat, value } of values) {
    if (!Number.isFinite(value)) continue;
    groups.set(repeat, [...(groups.get(repeat) ?? []), value]);
  }
  return groups;
}

/** The smallest share divided by an equal share: 1 if all are equal, 0 if one is nothing. */
export function smallestShare(counts: readonly number[]): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return all === 0 ? NaN : (Math.min(...counts) * counts.length) / all;
}
