/**
 * What one server tells of itself once a second, as a text of a bounded size. Other clients may write to Redis, and
 * servers of another version report in another form: a text that was not sealed by a server of this fleet, or is not of
 * this form, is no report.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { MOMENTS_MAX } from './traffic.js';

/** Another one is another version's. */
const FORM = 1;
export const PRODUCTS_MAX = 20;
const WARNINGS_MAX = 20;
/** More than there are operations and outcomes. */
const RATES_MAX = 250;
const SERVERS_OF_REDIS_MAX = 20;

const text = z.string().max(300);
const id = z.string().max(200);
const number = z.number().nonnegative();
const quantiles = z.object({
  count: number,
  p50Ms: number.nullable(),
  p99Ms: number.nullable(),
});

/** `READY`: it serves. `AWAY`: it cannot commit. `STOPPING`: it finishes what has begun. */
export const STATES = ['READY', 'AWAY', 'STOPPING'] as const;
export type ReportedState = (typeof STATES)[number];

const REPORT = z.object({
  server: z.object({ id, host: text, pid: number, version: text, startedMs: number }),
  state: z.enum(STATES),
  mysql: text.nullable(),
  mysqlServer: text.nullable(),
  redis: z.array(text).max(SERVERS_OF_REDIS_MAX),
  lock: z.object({ configured: text, now: text }),
  warnings: z
    .array(z.object({ code: text, message: text, sinceMs: number.nullable() }))
    .max(WARNINGS_MAX),
  rates: z
    .array(z.object({ operation: text, outcome: text, linesPerSecond: number }))
    .max(RATES_MAX),
  waits: quantiles,
  commits: quantiles,
  delegatedPerSecond: number,
  queuedLines: number,
  products: z
    .array(
      z.object({
        productId: id,
        linesPerSecond: number,
        unitsPerSecond: number,
        queuedLines: number,
        ownerId: id.nullable(),
      }),
    )
    .max(2 * PRODUCTS_MAX),
  moments: z
    .array(
      z.object({
        atMs: number,
        appliedPerSecond: number,
        soldOutPerSecond: number,
        refusedPerSecond: number,
        waits: quantiles,
        commits: quantiles,
        queuedLines: number,
      }),
    )
    .max(MOMENTS_MAX),
});

export type ServerReport = Readonly<z.infer<typeof REPORT>>;

/** Binds the reports of a fleet to its key, which only its servers can read. */
export class ReportSeal {
  constructor(private readonly secret: Buffer) {}

  /** Fractions beyond hundredths are left out: nothing shows them. */
  seal(report: ServerReport): string {
    const json = JSON.stringify(report, (_key, value: unknown) =>
      typeof value === 'number' ? Math.round(value * 100) / 100 : value,
    );
    const body = `${FORM} ${json}`;
    return `${this.macOf(body)} ${body}`;
  }

  /** Null for what is no report of this fleet, or one of another form. */
  open(sealed: string): ServerReport | null {
    const [, mac = '', body = '', form, json = ''] = /^(\S{43}) ((\d+) (.+))$/s.exec(sealed) ?? [];
    const expected = this.macOf(body);
    if (mac.length !== expected.length || Number(form) !== FORM) return null;
    if (!timingSafeEqual(Buffer.from(mac, 'latin1'), Buffer.from(expected, 'latin1'))) return null;
    const parsed = REPORT.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : null;
  }

  private macOf(body: string): string {
    // The prefix keeps these apart from what the servers send each other under the same key.
    return createHmac('sha256', this.secret).update(`report\n${body}`).digest('base64url');
  }
}
