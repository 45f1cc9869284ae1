/**
 * deploy/prometheus and deploy/grafana on a real Prometheus, which scrapes two servers in which a sale runs. Debian's
 * package `prometheus` has it and promtool. Where they are absent, one line says so.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../services/private-server.js';
import { DeductStockDocument } from '../generated/operations.js';
import { ALERTS, DASHBOARD, RULES_FILE } from '../support/deployed-monitoring.js';
import { until } from '../support/until.js';
import { useApp } from '../support/use-app.js';

const isThere = ['prometheus', 'promtool'].every((program) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }),
);
const run = promisify(execFile);

const app = useApp({ STOCK_LOCK: 'redis', REDIS_URL: process.env.REDIS_URL ?? '' });

/** Whether the rest of a test can run. */
function hasPrometheus(): boolean {
  if (!isThere) {
    process.stderr.write(
      '  No prometheus and promtool on the PATH: what they would show is not tested.\n',
    );
  }
  return isThere;
}

test('promtool accepts the rules, and each alert fires and is quiet as its tests say', async () => {
  if (!hasPrometheus()) return;
  const checked = await run('promtool', ['check', 'rules', RULES_FILE]);
  expect(checked.stdout).toContain(`SUCCESS: ${ALERTS.length} rules found`);
  const tested = await run('promtool', [
    ...['test', 'rules', 'deploy/prometheus/stockade.rules.test.yml'],
  ]);
  expect(tested.stdout).toContain('SUCCESS');
  await run('promtool', ['check', 'config', 'deploy/prometheus/prometheus.yml']);
});

const SCRAPES_SECONDS = 1;

interface Prometheus {
  readonly origin: string;
  stop(): Promise<void>;
}

async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  const scrape = { job_name: 'stockade', static_configs: [{ targets }] };
  // JSON is YAML.
  const config = {
    global: { scrape_interval: `${SCRAPES_SECONDS}s`, evaluation_interval: '1s' },
    rule_files: [resolve(RULES_FILE)],
    scrape_configs: [scrape],
  };
  writeFileSync(file, JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const child: ChildProcess = spawn(
    'prometheus',
    [
      ...[`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`],
      ...[`--web.listen-address=${address}`, '--log.level=error'],
    ],
    { stdio: 'ignore' },
  );
  const origin = `http://${address}`;
  await until('Prometheus is ready', () =>
    fetch(`${origin}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    origin,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly Sample[] };
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: [number, string];
}

async function query(origin: string, expr: string): Promise<QueryAnswer> {
  const parameters = new URLSearchParams({ query: expr });
  return (await (
    await fetch(`${origin}/api/v1/query?${parameters.toString()}`)
  ).json()) as QueryAnswer;
}

/** With values for what Grafana puts in. */
function asGrafanaAsks(expr: string): string {
  return expr.replaceAll('$__rate_interval', '20s').replaceAll('$job', '.*');
}

/** A pause of Redis or MySQL alone can make these fire, at once and rightly: what they count has happened then. */
const COUNTERS_OF_PAUSES: Readonly<Record<string, string>> = {
  StockadeChangesMissed: 'stockade_changes_published_total{outcome="dropped"}',
  StockadeCommitsSettledLate: 'stockade_transactions_total{outcome="settled"}',
  StockadeOutcomesUnknown: 'stockade_lines_uncertain_total',
};

/** The alerts whose own counter says that there was something to tell. */
async function explainedByPauses(origins: readonly string[]): Promise<string[]> {
  const pages = await Promise.all(
    origins.map(async (origin) => (await fetch(`${origin}/metrics`)).text()),
  );
  const hasCounted = (counter: string) =>
    pages.some((page) =>
      page.split('\n').some((row) => row.startsWith(counter) && !row.endsWith(' 0')),
    );
  return Object.keys(COUNTERS_OF_PAUSES).filter((alert) =>
    hasCounted(COUNTERS_OF_PAUSES[alert] ?? ''),
  );
}

/** Nothing of these has happened: no refused requests, and nothing handed over before it was asked for. */
const MAY_BE_EMPTY = new Set(['Refused requests a second']);

test('a real Prometheus evaluates each expression of the rules and of the dashboard on a sale', async () => {
  if (!hasPrometheus()) return;
  const another = await app.startAnother({
    STOCK_LOCK: 'redis',
    REDIS_URL: process.env.REDIS_URL ?? '',
  });
  const prometheus = await startPrometheus(
    [app, another].map(({ origin }) => new URL(origin).host),
  );
  try {
    const productId = await app.newProduct(1_000_000);
    const sell = () =>
      Promise.all(
        [app, another].map((server) =>
          server.dataOf(DeductStockDocument, { input: { items: [{ productId, quantity: 1 }] } }),
        ),
      );
    const sold = DASHBOARD.find(({ title }) => title === 'Units sold a second');
    await until(
      'units sold a second',
      async () => {
        await sell();
        const { data } = await query(prometheus.origin, asGrafanaAsks(sold?.expr ?? ''));
        return Number(data?.result[0]?.value[1] ?? 0) > 0;
      },
      30_000,
    );
    for (const { title, expr } of DASHBOARD) {
      const mustHaveValues = !MAY_BE_EMPTY.has(title) && !expr.endsWith('> 0');
      // A rate has a value once two scrapes have its series.
      await until(`values of ${expr}`, async () => {
        const { status, error, data } = await query(prometheus.origin, asGrafanaAsks(expr));
        expect({ title, expr, status, error }).toEqual({ title, expr, status: 'success' });
        return !mustHaveValues || data?.result.length !== 0;
      });
    }
    for (const { alert, expr } of ALERTS) {
      const { status, error } = await query(prometheus.origin, expr);
      expect({ alert, status, error }).toEqual({ alert, status: 'success' });
    }
    const { data } = await query(prometheus.origin, 'ALERTS{alertstate="firing"}');
    const firing = data?.result.map(({ metric }) => metric.alertname ?? '') ?? [];
    const explained = await explainedByPauses([app.origin, another.origin]);
    expect(firing.filter((alert) => !explained.includes(alert))).toEqual([]);
    await another.stop();
    await until('the alert of the server that was stopped', async () => {
      const { data } = await query(prometheus.origin, 'ALERTS{alertname="StockadeAway"}');
      return data?.result.length === 1;
    });
  } finally {
    await prometheus.stop();
  }
});
