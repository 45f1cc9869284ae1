/** The figures that the benchmark quotes are made by these few functions. */
import { seededRandom, uniform, zipf } from '../../../bench/random.js';
import {
  median,
  pairedRatio,
  percentile,
  smallestShare,
  spreadOf,
} from '../../../bench/statistics.js';

const sorted = (...values: number[]) => Float64Array.from(values).sort();

describe('median', () => {
  test('is the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test('is halfway between the two middle values of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test('sorts by size, not by spelling', () => {
    expect(median([100, 9, 20])).toBe(20);
  });

  test('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });
});

describe('percentile', () => {
  const hundred = sorted(...Array.from({ length: 100 }, (_, i) => i + 1));

  test('is a sample, by nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
  });

  test('of one sample is that sample', () => {
    expect(percentile(sorted(7), 0.5)).toBe(7);
    expect(percentile(sorted(7), 0.99)).toBe(7);
  });

  test('never hides the worst of a few samples', () => {
    expect(percentile(sorted(1, 1, 1, 1, 1_000), 0.99)).toBe(1_000);
  });

  test('of nothing is no number', () => {
    expect(percentile(sorted(), 0.99)).toBeNaN();
  });
});

describe('a spread', () => {
  test('tells the median with the least and the most', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  });

  test('passes over what is no number, and is none where nothing is left', () => {
    expect(spreadOf([NaN, 2, Infinity])).toEqual({ median: 2, min: 2, max: 2 });
    expect(spreadOf([NaN])).toBeNull();
  });
});

describe('a paired ratio', () => {
  const values = (...pairs: [number, number][]) =>
    pairs.map(([repeat, value]) => ({ repeat, value }));

  test('divides within each repeat before it takes the median', () => {
    // The second repeat was slow for both sides alike: the ratio does not notice.
    const ours = values([1, 1_000], [2, 100], [3, 1_200]);
    const theirs = values([1, 100], [2, 10], [3, 100]);
    expect(pairedRatio(ours, theirs)).toEqual({ median: 10, min: 10, max: 12 });
  });

  test('leaves out a repeat that only one side has', () => {
    expect(pairedRatio(values([1, 10], [2, 90]), values([1, 5]))).toEqual({
      median: 2,
      min: 2,
      max: 2,
    });
  });

  test('is none where no repeat has both', () => {
    expect(pairedRatio(values([1, 10]), values([2, 5]))).toBeNull();
  });
});

describe('the smallest share', () => {
  test('is 1 where all have the same, and 0 where one has nothing', () => {
    expect(smallestShare([5, 5, 5, 5])).toBe(1);
    expect(smallestShare([10, 0])).toBe(0);
  });

  test('is a half where the worst has half of an equal share', () => {
    expect(smallestShare([1, 3])).toBe(0.5);
  });
});

describe('demand', () => {
  const counts = (next: () => number, products: number, draws: number) => {
    const counted = new Array<number>(products).fill(0);
    for (let i = 0; i < draws; i += 1) {
      const product = next();
      counted[product] = (counted[product] ?? NaN) + 1;
    }
    return counted;
  };

  test('is repeated by its seed', () => {
    const draw = () => Array.from({ length: 5 }, seededRandom(7));
    expect(draw()).toEqual(draw());
    expect(Array.from({ length: 5 }, seededRandom(8))).not.toEqual(draw());
  });

  test('that is uniform wants each product about equally often, and no other', () => {
    const counted = counts(uniform(10, seededRandom(1)), 10, 100_000);
    for (const count of counted) {
      expect(count).toBeGreaterThan(9_500);
      expect(count).toBeLessThan(10_500);
    }
  });

  test("follows Zipf's law: rank r is wanted 1 / r^s as often as the first", () => {
    const exponent = 1.1;
    const counted = counts(zipf(1_000, exponent, seededRandom(1)), 1_000, 500_000);
    const [first = NaN] = counted;
    for (const rank of [2, 5, 10, 50]) {
      const share = (counted[rank - 1] ?? NaN) / first;
      const expected = rank ** -exponent;
      expect(share).toBeGreaterThan(expected * 0.9);
      expect(share).toBeLessThan(expected * 1.1);
    }
  });

  test('reaches the last rank, and none beyond', () => {
    const counted = counts(zipf(20, 1.1, seededRandom(3)), 20, 20_000);
    expect(counted).toHaveLength(20);
    expect(Math.min(...counted)).toBeGreaterThan(0);
  });
});
