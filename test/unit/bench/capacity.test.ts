/** What CPU times say about a larger installation. */
import { capacityOf, capacityTable } from '../../../bench/report/capacity.js';
import { row } from '../../support/benchmark-row.js';

const hot = row({ nodeCpuMsPerOp: 0.025 });
const overHttp = row({ scenario: 'http-hot', nodeCpuMsPerOp: 0.225, mysqlCpuMsPerOp: 0.05 });
const fleet = row({
  scenario: 'servers-hot',
  point: '3 servers',
  nodeCpuMsPerOp: 0.125,
  mysqlCpuMsPerOp: 0.03,
  redisCpuMsPerOp: 0.005,
});

describe('the capacity', () => {
  test('is what a core of Node decides, and how many cores of HTTP feed it', () => {
    const [capacity] = capacityOf([hot, overHttp]);
    expect(capacity?.load).toBe('hot');
    expect(capacity?.decided).toBeCloseTo(40_000);
    expect(capacity?.taken).toBeCloseTo(5_000);
    expect(capacity?.servers).toBeCloseTo(8);
    expect(capacity?.mysqlCores).toBeCloseTo(2);
  });

  test('is computed from three servers where they ran', () => {
    const [capacity] = capacityOf([hot, overHttp, fleet]);
    expect(capacity?.taken).toBeCloseTo(10_000);
    expect(capacity?.redisCores).toBeCloseTo(0.2);
  });

  test('is empty where a side did not run, and where a request costs nothing but the decision', () => {
    expect(capacityOf([hot])).toEqual([]);
    expect(capacityTable([hot])).toBe('');
    expect(capacityOf([hot, row({ scenario: 'http-hot', nodeCpuMsPerOp: 0.02 })])).toEqual([]);
    const rival = row({ contender: 'for-update', scenario: 'http-hot', nodeCpuMsPerOp: 3 });
    expect(capacityOf([hot, rival])).toEqual([]);
  });

  test('leaves the cores of a MySQL open whose CPU time cannot be read', () => {
    const inContainer = { ...overHttp, mysqlCpuMsPerOp: null };
    expect(capacityOf([hot, inContainer])[0]?.mysqlCores).toBeNull();
    expect(capacityTable([hot, inContainer])).toMatch(/^cores of MySQL meanwhile$/m);
  });
});
