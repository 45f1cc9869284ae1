/**
 * The little statistics that the benchmark's figures are made of. Percentiles are by nearest rank over all samples,
 * never over averages; a ratio is the median of ratios between runs of the same repeat, so that what the machine did
 * meanwhile touched both sides of it.
 */

/** NaN where there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The smallest sample that is not below `share` of all samples; NaN where there are none. `sorted` is ascending. */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Null where there is nothing to tell. */
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

/** How far the worst-served is from an equal share: 1 where all have the same, 0 where one has nothing. */
export function smallestShare(counts: readonly number[]): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return all === 0 ? NaN : (Math.min(...counts) * counts.length) / all;
}
